"""Routes to hold requests and to resume them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.workflow import HoldCommand, ResumeCommand
from cst_http.auth import DispatchingOrAgent
from cst_workflow.api.deps import Id, UseCases, answer

router = APIRouter()


@router.post("/requests/{request_id}/hold")
async def hold(
    request_id: Id,
    command: HoldCommand,
    use_cases: UseCases,
    caller: DispatchingOrAgent,
    response: Response,
) -> ServiceRequest:
    """Stop the clock of open work that waits for something outside, with a reason and an end."""
    document = await use_cases.holds.hold(request_id, command, caller)
    return answer(document, response)


@router.post("/requests/{request_id}/resume")
async def resume(
    request_id: Id,
    command: ResumeCommand,
    use_cases: UseCases,
    caller: DispatchingOrAgent,
    response: Response,
) -> ServiceRequest:
    """Start the clock of held work again."""
    document = await use_cases.holds.resume(request_id, command, caller)
    return answer(document, response)
