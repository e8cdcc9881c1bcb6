"""Routes of the lifecycle's steps."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.requests import TransitionCommand
from cst_contracts.workflow import BulkAnswer, BulkTransition
from cst_core.errors import InvalidInput
from cst_http.auth import StaffOrAgent
from cst_workflow.api.deps import Id, UseCases, answer

router = APIRouter()


def _with_if_match(command: TransitionCommand, if_match: str | None) -> TransitionCommand:
    """``If-Match: "7"`` says the same as ``expected_version: 7``; both must agree."""
    if if_match is None or if_match == "*":
        return command
    text = if_match.removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput.field("If-Match", 'must be a version such as "7"', if_match)
    if command.expected_version not in (None, int(text)):
        raise InvalidInput.field("If-Match", "is another version than expected_version", if_match)
    return command.model_copy(update={"expected_version": int(text)})


@router.patch("/requests/{request_id}/transition")
async def transition(
    request_id: Id,
    command: TransitionCommand,
    use_cases: UseCases,
    caller: StaffOrAgent,
    response: Response,
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> ServiceRequest:
    """Take a request one step along its lifecycle."""
    document = await use_cases.transitions.transition(
        request_id, _with_if_match(command, if_match), caller
    )
    return answer(document, response)


@router.post("/requests/transitions")
async def transition_many(
    command: BulkTransition, use_cases: UseCases, caller: StaffOrAgent
) -> BulkAnswer:
    """Take a step with each of many requests; what is refused does not stop the others."""
    items = await use_cases.transitions.transition_many(command.items, caller)
    return BulkAnswer(items=items)
