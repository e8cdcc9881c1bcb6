"""Routes for operators: is it alive, is it ready, what does it count."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cst_contracts.ops import Readiness, SystemProblem
from cst_http.responses import PROBLEMS
from cst_process.status import SystemWatch

router = APIRouter(tags=["ops"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: PROBLEMS[503]})
async def readyz(request: Request) -> Readiness:
    """The process can serve: its database answers (503 otherwise).

    Relay, broker and workers may be down meanwhile: what is stored reaches them later. That is
    `degraded`, and no reason to send callers elsewhere.
    """
    watch: SystemWatch = request.app.state.watch
    problems = (await watch.look()).problems
    return Readiness(
        status="degraded" if problems else "ready",
        problems=[SystemProblem.model_validate(asdict(problem)) for problem in problems],
    )


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus metrics of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
