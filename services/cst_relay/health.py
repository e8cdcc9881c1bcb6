"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cst_core.errors import ConfigError
from cst_relay.metrics import RelayMetrics


def health_app(metrics: RelayMetrics, unhealthy_after_s: float) -> Starlette:
    """Return the application. A waiting relay is healthy; a leader is while its position moves."""

    async def healthz(_: Request) -> Response:
        age = metrics.position_age_s()
        healthy = metrics.role == "standby" or age < unhealthy_after_s
        body = {
            "status": "ok" if healthy else "stuck",
            "feed": metrics.feed,
            "role": metrics.role,
            "position_age_s": round(age, 1),
            "lag_s": round(metrics.lag_s(), 3),
        }
        return JSONResponse(body, 200 if healthy else 503)

    async def readyz(_: Request) -> Response:
        ready = metrics.role in ("standby", "leader")
        return JSONResponse({"ready": ready, "role": metrics.role}, 200 if ready else 503)

    async def show(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show)]
    return Starlette(routes=routes)


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
