"""Routes of the lifecycle's steps and its rules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.requests import TransitionCommand
from cst_core.errors import InvalidInput
from cst_http.auth import Staff, StaffOrAgent
from cst_ledger.views import staff_view
from cst_workflow.api.deps import Id, UseCases

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
    response.headers["ETag"] = f'"{document["version"]}"'
    return ServiceRequest.model_validate(staff_view(document))


@router.get("/workflow-rules")
async def list_rules(request: Request, _: Staff) -> list[dict[str, Any]]:
    """Return every version of the lifecycle's rules."""
    return [rules.document() for rules in request.app.state.core.rules.all()]
