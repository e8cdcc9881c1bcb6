"""Routes of triage: what waits for staff, and what a supervisor makes of a danger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.triage import DangerDecision, TriageQueue, WaitingRequest
from cst_http.auth import Dispatching, Supervising
from cst_ledger.events import Document
from cst_workflow.api.deps import Cursor, Id, UseCases, answer

router = APIRouter()


def _waiting(document: Document, why: str) -> WaitingRequest:
    return WaitingRequest.model_validate(
        document
        | {
            "created_at": document["timestamps"]["created_at"],
            "zone_id": document["location"]["zone_id"],
            "address_hint": document["location"]["address_hint"],
            "waits_because": why,
        }
    )


@router.get("/triage/queue")
async def triage_queue(
    use_cases: UseCases,
    _: Dispatching,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> TriageQueue:
    """Return what no rule triages, most urgent and oldest first."""
    page, next_cursor = await use_cases.triage.queue(cursor, limit)
    return TriageQueue(items=[_waiting(*item) for item in page], next_cursor=next_cursor)


@router.post("/requests/{request_id}/danger")
async def judge_danger(
    request_id: Id,
    command: DangerDecision,
    use_cases: UseCases,
    caller: Supervising,
    response: Response,
) -> ServiceRequest:
    """Confirm a danger, or lower it to the priority that it has without; notices are closed."""
    return answer(await use_cases.corrections.danger(request_id, command, caller), response)
