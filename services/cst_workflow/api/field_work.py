"""Routes of crews and reporters: work done on the spot, and reports taken back."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.triage import OnTheSpotCommand, WithdrawAnswer, WithdrawCommand
from cst_http.auth import AnyCaller, DispatchingOrAgent
from cst_http.idempotency import KeyHeader
from cst_workflow.api.deps import Follow, Id, UseCases, answer

router = APIRouter()


@router.post("/requests/on-the-spot", status_code=201, responses={200: {"model": ServiceRequest}})
async def record_on_the_spot(
    command: OnTheSpotCommand,
    use_cases: UseCases,
    caller: DispatchingOrAgent,
    response: Response,
    key: KeyHeader = None,
) -> ServiceRequest:
    """File work that was found and done in one go, up to ``resolved``.

    The same ``Idempotency-Key`` and body again: 200 and the same request.
    """
    recorded = await use_cases.field_work.record(command, caller, key)
    response.headers["Location"] = f"/requests/{recorded.document['request_id']}"
    if recorded.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return answer(recorded.document, response)


@router.post(
    "/requests/{request_id}/withdraw",
    responses={202: {"model": WithdrawAnswer, "description": "A dispatcher decides"}},
)
async def withdraw(
    request_id: Id,
    command: WithdrawCommand,
    use_cases: UseCases,
    caller: AnyCaller,
    response: Response,
    follow: Follow = None,
) -> WithdrawAnswer:
    """Take a report back, as its reporter; once work is under way, a dispatcher decides (202)."""
    withdrawn = await use_cases.withdrawal.withdraw(request_id, command, caller, follow)
    if withdrawn.asked:
        response.status_code = 202
    document = withdrawn.document
    return WithdrawAnswer(
        request_id=request_id,
        outcome="asked" if withdrawn.asked else "withdrawn",
        status=document["status"],
        version=document["version"],
    )
