"""Assignment by rule and by hand."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from cst_contracts.agents import AssignmentDecision
from cst_contracts.base import RequestId
from cst_dispatch.api.deps import Assigning
from cst_http.auth import Dispatching
from cst_ledger.events import By

router = APIRouter()


@router.post("/requests/{request_id}/auto-assign")
async def auto_assign(
    request_id: Annotated[RequestId, Path()], service: Assigning, caller: Dispatching
) -> AssignmentDecision:
    """Assign a triaged request now, and say why so."""
    return await service.assign_on_demand(request_id, By(caller.actor_type, caller.actor_id))
