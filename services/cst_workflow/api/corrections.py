"""Routes of corrections: what it is about, how urgent it is, and where."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.triage import CategoryCorrection, LocationCorrection, PriorityCorrection
from cst_http.auth import Dispatching, DispatchingOrAgent
from cst_workflow.api.deps import Id, UseCases, answer

router = APIRouter()


@router.post("/requests/{request_id}/category")
async def correct_category(
    request_id: Id,
    command: CategoryCorrection,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Correct what an open request is about; its policy follows, the used time stays used."""
    return answer(await use_cases.corrections.category(request_id, command, caller), response)


@router.post("/requests/{request_id}/priority")
async def correct_priority(
    request_id: Id,
    command: PriorityCorrection,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Correct how urgent it is. Supervisors only lower a P1 or lengthen a promise."""
    return answer(await use_cases.corrections.priority(request_id, command, caller), response)


@router.post("/requests/{request_id}/location")
async def correct_location(
    request_id: Id,
    command: LocationCorrection,
    use_cases: UseCases,
    caller: DispatchingOrAgent,
    response: Response,
) -> ServiceRequest:
    """Correct where it is, or say that nobody knows; zone and policy follow."""
    return answer(await use_cases.corrections.location(request_id, command, caller), response)
