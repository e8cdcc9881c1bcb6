"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cst_core.errors import ConfigError
from cst_relay.metrics import RelayMetrics


def health_app(
    feeds: Sequence[RelayMetrics], registry: CollectorRegistry, unhealthy_after_s: float
) -> Starlette:
    """Return the application. It is healthy, and ready, where every feed is."""

    async def healthz(_: Request) -> Response:
        healthy = all(feed.healthy(unhealthy_after_s) for feed in feeds)
        return _answer("ok" if healthy else "stuck", healthy, feeds)

    async def readyz(_: Request) -> Response:
        ready = all(feed.role in ("standby", "leader") for feed in feeds)
        return _answer("ready" if ready else "not ready", ready, feeds)

    async def show(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show)]
    return Starlette(routes=routes)


def _answer(status: str, good: bool, feeds: Sequence[RelayMetrics]) -> Response:
    body = {"status": status, "feeds": [feed.report() for feed in feeds]}
    return JSONResponse(body, 200 if good else 503)


class _Server(uvicorn.Server):
    """A server inside a process that handles its signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: Starlette, host: str, port: int) -> AsyncIterator[None]:
    """Serve ``app`` during the block; nothing where ``port`` is 0.

    Raises:
        ConfigError: the port cannot be listened on.
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
        raise ConfigError(f"CST_RELAY_PORT={port}: the port cannot be listened on") from None
    task = asyncio.create_task(server.serve([socket]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
