"""/healthz, /readyz and /metrics of a process that has no API."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cst_core.clock import wall_now
from cst_core.errors import ConfigError, Unavailable
from cst_mongo.client import Database
from cst_process.judgement import Bounds, Expected, Problem, judge
from cst_process.status import ping
from cst_process.vitals import Vitals


def ops_app(db: Database, vitals: Vitals, bounds: Bounds) -> Starlette:
    """Return the application.

    It is not ready while the process misses its database or its broker, or a consumer is stuck.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        problems = await _own_problems(db, vitals, bounds)
        body = {
            "status": "not ready" if problems else "ready",
            "problems": [asdict(problem) for problem in problems],
        }
        return JSONResponse(body, 503 if problems else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Starlette(routes=routes)


async def _own_problems(db: Database, vitals: Vitals, bounds: Bounds) -> list[Problem]:
    now = wall_now()
    found = judge([{**await vitals.report(), "at": now}], [], now, bounds, Expected())
    problems = [problem for problem in found if problem.problem in ("stuck", "unreachable")]
    try:
        await ping(db)
    except Unavailable as gone:
        problems.append(Problem("database", "unreachable", None, gone.detail))
    return problems


class _Server(uvicorn.Server):
    """A server inside a process that handles its signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Starlette, host: str, port: int, *, setting: str) -> AsyncIterator[None]:
    """Serve ``app`` during the block; nothing where ``port`` is 0.

    Raises:
        ConfigError: the port, which ``setting`` gives, cannot be listened on.
    """
    if port == 0:
        yield
        return
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, lifespan="off"
    )
    server = _Server(config)
    try:
        socket = config.bind_socket()
    except SystemExit:
        raise ConfigError(f"{setting}={port}: the port cannot be listened on") from None
    task = asyncio.create_task(server.serve([socket]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
