"""Pure ASGI middleware: body limit, request context, metrics."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class FileRoute:
    """A route whose bodies or answers are files: larger and slower than others.

    It bounds its own use of the database, by ``database_deadline``.
    """

    method: str
    path: re.Pattern[str]
    max_body: int = MAX_BODY


def _file_route(scope: Scope) -> FileRoute | None:
    routes: Sequence[FileRoute] = getattr(scope["app"].state, "file_routes", ())
    for route in routes:
        if scope["method"] == route.method and route.path.fullmatch(scope["path"]):
            return route
    return None


def database_deadline() -> AbstractContextManager[None]:
    """Return a context that bounds what is spent on the database in it."""
    return pymongo.timeout(DATABASE_S)


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
        file_route = _file_route(scope)
        limit = self._max if file_route is None else file_route.max_body
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await self._refuse(scope, receive, send, limit)
            return
        seen, over, started = 0, False, False

        async def limited() -> Message:
            nonlocal seen, over
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
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
            await self._refuse(scope, receive, send, limit)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        detail = f"the body is over {limit} bytes"
        answer = problem(413, "too-large", "Too large", detail, instance=scope["path"])
        await answer(scope, receive, send)


class DatabaseDeadline:
    """Bounds what one answer may spend on the database; what takes longer is answered with 503."""

    def __init__(self, app: ASGIApp, seconds: float = DATABASE_S) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _file_route(scope) is not None:
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
