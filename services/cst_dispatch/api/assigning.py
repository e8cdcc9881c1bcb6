"""Assignment by rule and by hand, and what waits for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from cst_contracts.base import RequestId
from cst_contracts.dispatch import AssignCommand, AssignmentDecision, QueuedRequest, QueuePage
from cst_contracts.documents import ServiceRequest
from cst_contracts.enums import PriorityName
from cst_dispatch.api.deps import Assigning, Manual, Waiting
from cst_http.auth import Dispatching, Staff
from cst_ledger.events import By
from cst_ledger.views import staff_view

router = APIRouter()
Id = Annotated[RequestId, Path()]


@router.post("/requests/{request_id}/auto-assign")
async def auto_assign(
    request_id: Id, service: Assigning, caller: Dispatching, dry_run: bool = False
) -> AssignmentDecision:
    """Assign a triaged request now, and say why so; or only say who would get it, and why."""
    by = By(caller.actor_type, caller.actor_id)
    return await service.assign_on_demand(request_id, by, dry_run=dry_run)


@router.post("/requests/{request_id}/assign")
async def assign(
    request_id: Id, command: AssignCommand, manual: Manual, caller: Dispatching, response: Response
) -> ServiceRequest:
    """Give a request to an agent of your choice, also one that somebody else has."""
    document = await manual.assign(request_id, command, caller)
    response.headers["ETag"] = f'"{document["version"]}"'
    return ServiceRequest.model_validate(staff_view(document))


@router.get("/dispatch/queue")
async def queue(
    waiting: Waiting,
    _: Staff,
    priority: PriorityName | None = None,
    zone_id: Annotated[str | None, Query(max_length=60)] = None,
    category: Annotated[str | None, Query(max_length=80)] = None,
    skill: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> QueuePage:
    """List what waits for an agent, most urgent and oldest first, with why and until when."""
    given: dict[str, Any] = {
        "priority": priority,
        "zone_id": zone_id,
        "category": category,
        "skills": skill,
    }
    wanted = {key: value for key, value in given.items() if value is not None}
    rows, next_cursor = await waiting.page(wanted, cursor, limit)
    items = [QueuedRequest.model_validate(row | {"request_id": row["_id"]}) for row in rows]
    return QueuePage(items=items, next_cursor=next_cursor)
