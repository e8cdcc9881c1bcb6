"""The route by which a citizen rates the work on their request."""

from __future__ import annotations

from fastapi import APIRouter

from cst_contracts.ratings import RatingCommand, RatingReceipt
from cst_http.auth import AnyCaller
from cst_intake.api.deps import Follow, Id, UseCases

router = APIRouter()


@router.post("/requests/{request_id}/rating", status_code=201)
async def rate_request(
    request_id: Id,
    command: RatingCommand,
    use_cases: UseCases,
    caller: AnyCaller,
    follow: Follow = None,
) -> RatingReceipt:
    """Rate the work once it is done, by the reporter's token or link; once per request."""
    return await use_cases.ratings.rate(request_id, command, caller, follow)
