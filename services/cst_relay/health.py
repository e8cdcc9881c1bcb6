"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

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
