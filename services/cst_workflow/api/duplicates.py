"""Routes of duplicates: merge, unmerge, suggestions, and "me too"."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.duplicates import (
    MergeCommand,
    Suggestion,
    SuggestionDecision,
    SuggestionPage,
    SupportAnswer,
    UnmergeCommand,
)
from cst_core.paging import read_place, write_place
from cst_http.auth import AnyCaller, Dispatching
from cst_http.idempotency import KeyHeader
from cst_ledger.events import Document
from cst_ledger.views import staff_view
from cst_workflow.api.deps import Id, UseCases

router = APIRouter()


def _answer(document: Document, response: Response) -> ServiceRequest:
    response.headers["ETag"] = f'"{document["version"]}"'
    return ServiceRequest.model_validate(staff_view(document))


def _suggestion(row: dict[str, Any]) -> Suggestion:
    return Suggestion.model_validate({**row, "suggestion_id": row["_id"]})


@router.post("/requests/{request_id}/merge")
async def merge(
    request_id: Id,
    command: MergeCommand,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Make a request the duplicate of another one (of its master, where that is one itself)."""
    document = await use_cases.duplicates.merging.merge(request_id, command, caller)
    return _answer(document, response)


@router.post("/requests/{request_id}/unmerge")
async def unmerge(
    request_id: Id,
    command: UnmergeCommand,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Give a duplicate its own life back; what has ended goes on in ``succeeded_by``."""
    document = await use_cases.duplicates.unmerging.unmerge(request_id, command, caller)
    return _answer(document, response)


@router.get("/duplicates/suggestions")
async def list_suggestions(
    use_cases: UseCases,
    _: Dispatching,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SuggestionPage:
    """Return what looks like duplicates and waits for staff to say, oldest first."""
    after = None if cursor is None else read_place(cursor)
    rows, place = await use_cases.duplicates.merging.suggestions(after, limit)
    return SuggestionPage(
        items=[_suggestion(row) for row in rows],
        next_cursor=None if place is None else write_place(*place),
    )


@router.post("/duplicates/suggestions/{suggestion_id}")
async def decide_suggestion(
    suggestion_id: Annotated[str, Path(max_length=100)],
    command: SuggestionDecision,
    use_cases: UseCases,
    caller: Dispatching,
) -> Suggestion:
    """Confirm a suggestion, which merges the two, or refuse it for good."""
    return _suggestion(await use_cases.duplicates.merging.decide(suggestion_id, command, caller))


@router.post("/requests/{request_id}/me-too")
async def me_too(
    request_id: Id, use_cases: UseCases, caller: AnyCaller, key: KeyHeader = None
) -> SupportAnswer:
    """Say that you have seen the same; each caller counts once.

    A duplicate's support goes to its master, which the answer names. Without a token an
    ``Idempotency-Key`` of your own tells you from others.
    """
    supported = await use_cases.duplicates.support.me_too(request_id, caller, key)
    return SupportAnswer(
        request_id=supported.document["request_id"],
        supporters=supported.document["supporters"],
        counted=supported.counted,
    )
