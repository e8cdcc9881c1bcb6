"""Pure ASGI middleware: body limit, request context, metrics."""

from __future__ import annotations

import time
from contextlib import suppress

import pymongo
import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cst_core.ids import traceparent
from cst_http.problems import problem

MAX_BODY = 1_048_576
#: How long an answer may wait for the database; the driver alone would try for two minutes.
DATABASE_S = 15.0

REQUESTS = Counter("cst_http_requests", "Answers", ["method", "route", "status"])
SECONDS = Histogram("cst_http_seconds", "Time to answer", ["method", "route"])


class BodyTooLarge(Exception):
    """The body grew over the limit while it was read."""


class BodyLimit:
    """Answers 413 to a body over the limit, announced or not, without reading it whole."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self._app = app
        self._max = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._max:
            await self._refuse(scope, receive, send)
            return
        seen, over, started = 0, False, False

        async def limited() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max:
                over = True
                raise BodyTooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if over and not started:
                return  # what the app says of a body it could not read; ours is the better answer
            started = True
            await send(message)

        with suppress(BodyTooLarge):
            await self._app(scope, limited, watched)
        if over and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"the body is over {self._max} bytes"
        answer = problem(413, "too-large", "Too large", detail, instance=scope["path"])
        await answer(scope, receive, send)


class DatabaseDeadline:
    """Bounds what one answer may spend on the database; what takes longer is answered with 503."""

    def __init__(self, app: ASGIApp, seconds: float = DATABASE_S) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with pymongo.timeout(self._seconds):
            await self._app(scope, receive, send)


class Observe:
    """Binds the trace context to the logs and counts and times each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        status, start = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with structlog.contextvars.bound_contextvars(traceparent=given or traceparent()):
            try:
                await self._app(scope, receive, watched)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                REQUESTS.labels(scope["method"], route, str(status)).inc()
                SECONDS.labels(scope["method"], route).observe(time.perf_counter() - start)
