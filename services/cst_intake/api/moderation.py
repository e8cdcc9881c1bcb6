"""The route by which staff hide, release and erase."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.moderation import ModerationCommand
from cst_http.auth import Dispatching
from cst_intake.api.deps import Id, UseCases
from cst_ledger.views import staff_view

router = APIRouter()


@router.post("/requests/{request_id}/moderation")
async def moderate_request(
    request_id: Id,
    command: ModerationCommand,
    use_cases: UseCases,
    caller: Dispatching,
    response: Response,
) -> ServiceRequest:
    """Hide from the public, release to it, or erase for good (supervisors and admins)."""
    document = await use_cases.moderation.moderate(request_id, command, caller)
    response.headers["ETag"] = f'"{document["version"]}"'
    return ServiceRequest.model_validate(staff_view(document))
