"""Route of what an actor did."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from cst_contracts.workflow import ActorEventPage
from cst_http.auth import Reviewing
from cst_workflow.api.deps import UseCases

router = APIRouter()

ActorType = Annotated[Literal["citizen", "agent", "staff", "system"], Path()]
ActorId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/actors/{actor_type}/{actor_id}/events")
async def actor_events(
    actor_type: ActorType,
    actor_id: ActorId,
    use_cases: UseCases,
    _: Reviewing,
    cursor: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ActorEventPage:
    """Return what an actor did, over all requests, newest first."""
    return await use_cases.actors.page(actor_type, actor_id, cursor, limit)
