"""Routes to file, read and search requests."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from cst_contracts.documents import ServiceRequest
from cst_contracts.requests import (
    AuditReport,
    CreatedRequest,
    CreateRequest,
    EventPage,
    FollowedRequest,
    PublicRequest,
    RequestPage,
)
from cst_http.auth import AnyCaller, Staff
from cst_http.idempotency import KeyHeader
from cst_intake.access import sees_all
from cst_intake.api.deps import Follow, Id, UseCases
from cst_intake.domain import views
from cst_intake.domain.search import SearchQuery
from cst_ledger.views import staff_view

router = APIRouter()


AsOf = Annotated[
    str | None,
    Query(
        max_length=64,
        description="RFC 3339 instant of the past: by when it happened, as known today",
        examples=["2026-03-02T15:00:00Z"],
    ),
]


@router.post("/requests/", status_code=201, responses={200: {"model": CreatedRequest}})
@router.post("/requests", status_code=201, include_in_schema=False)
async def create_request(
    command: CreateRequest,
    use_cases: UseCases,
    caller: AnyCaller,
    response: Response,
    key: KeyHeader = None,
) -> CreatedRequest:
    """File a request. The same ``Idempotency-Key`` and body again: 200 and the same request."""
    created = await use_cases.requests.create(command, caller, key)
    request_id = created.document["request_id"]
    response.headers["Location"] = f"/requests/{request_id}"
    response.headers["ETag"] = f'"{created.document["version"]}"'
    if created.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return views.created_view(created.document, use_cases.links.url(request_id), created.advice)


@router.get("/requests/{request_id}")
async def get_request(
    request_id: Id,
    use_cases: UseCases,
    caller: AnyCaller,
    response: Response,
    follow: Follow = None,
    as_of: AsOf = None,
) -> ServiceRequest | FollowedRequest | PublicRequest:
    """Return a request: staff see all, its reporter their words, others the public view.

    With ``as_of`` it is as it stood then (who sees what follows from how it stands now).
    """
    document = await use_cases.requests.get(request_id, caller, follow, as_of)
    response.headers["ETag"] = f'"{document["version"]}"'
    response.headers["Vary"] = "Authorization"
    if sees_all(caller):
        return ServiceRequest.model_validate(staff_view(document))
    if use_cases.links.is_reporter(document, caller, follow):
        return views.followed_view(document)
    return views.public_view(document)


@router.get("/requests")
@router.get("/requests/", include_in_schema=False)
async def search_requests(
    query: Annotated[SearchQuery, Query()], use_cases: UseCases, caller: AnyCaller
) -> RequestPage:
    """Search, newest first; the public finds what is public to the point."""
    found, cursor = await use_cases.requests.search(query, caller)
    items: list[Any]
    if sees_all(caller):
        items = [ServiceRequest.model_validate(staff_view(item)) for item in found]
    else:
        items = [views.public_view(item) for item in found]
    return RequestPage(items=items, next_cursor=cursor)


@router.get("/requests/{request_id}/events")
async def request_events(
    request_id: Id,
    use_cases: UseCases,
    caller: AnyCaller,
    follow: Follow = None,
    as_of: AsOf = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> EventPage:
    """Return a request's history; the public sees what happened and when, nothing more."""
    return await use_cases.history.page(
        request_id, caller, follow, as_of=as_of, cursor=cursor, limit=limit
    )


@router.get("/requests/{request_id}/audit")
async def audit_request(request_id: Id, use_cases: UseCases, _: Staff) -> AuditReport:
    """Verify a request's hash chain and its state against it."""
    return await use_cases.requests.audit(request_id)


@router.get("/categories")
async def list_categories(use_cases: UseCases) -> list[dict[str, Any]]:
    """Return what can be reported."""
    return await use_cases.requests.categories()


@router.get("/zones")
async def list_zones(use_cases: UseCases) -> list[dict[str, str]]:
    """Return the city's zones."""
    return await use_cases.requests.zones()
