"""Routes to escalate requests and to settle disputes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.triage import DisputeSettlement, EscalateCommand
from cst_http.auth import Dispatching, Supervising
from cst_workflow.api.deps import Id, UseCases, answer

router = APIRouter()


@router.post("/requests/{request_id}/escalate")
async def escalate(
    request_id: Id,
    command: EscalateCommand,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Ask for more attention: notify a role, raise the priority, or call a supervisor."""
    return answer(await use_cases.escalation.escalate(request_id, command, caller), response)


@router.post("/requests/{request_id}/dispute/settle")
async def settle_dispute(
    request_id: Id,
    command: DisputeSettlement,
    use_cases: UseCases,
    caller: Supervising,
    response: Response,
) -> ServiceRequest:
    """Uphold a dispute (it is reopened, or goes on in ``succeeded_by``), or refuse it."""
    return answer(await use_cases.settlement.settle(request_id, command, caller), response)
