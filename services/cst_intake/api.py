"""Intake's routes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from cst_contracts.base import RequestId
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
from cst_http.responses import PROBLEMS
from cst_intake.domain import views
from cst_intake.domain.search import SearchQuery
from cst_intake.service import IntakeService
from cst_ledger.views import staff_view

router = APIRouter(tags=["intake"], responses=PROBLEMS)


async def _service(request: Request) -> IntakeService:
    service: IntakeService = request.app.state.intake
    return service


Service = Annotated[IntakeService, Depends(_service)]
Id = Annotated[RequestId, Path()]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$"),
]
AsOf = Annotated[
    str | None,
    Query(
        max_length=64,
        description="RFC 3339 instant of the past: by when it happened, as known today",
        examples=["2026-03-02T15:00:00Z"],
    ),
]
Follow = Annotated[str | None, Query(max_length=64, description="signature of the reporter's link")]


@router.post("/requests/", status_code=201, responses={200: {"model": CreatedRequest}})
@router.post("/requests", status_code=201, include_in_schema=False)
async def create_request(
    command: CreateRequest, service: Service, caller: AnyCaller, response: Response, key: Key = None
) -> CreatedRequest:
    """File a request. The same ``Idempotency-Key`` and body again: 200 and the same request."""
    created = await service.create(command, caller, key)
    request_id = created.document["request_id"]
    response.headers["Location"] = f"/requests/{request_id}"
    response.headers["ETag"] = f'"{created.document["version"]}"'
    if created.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return views.created_view(created.document, service.follow_url(request_id), created.advice)


@router.get("/requests/{request_id}")
async def get_request(
    request_id: Id,
    service: Service,
    caller: AnyCaller,
    response: Response,
    follow: Follow = None,
    as_of: AsOf = None,
) -> ServiceRequest | FollowedRequest | PublicRequest:
    """Return a request: staff see all, its reporter their words, others the public view.

    With ``as_of`` it is as it stood then (who sees what follows from how it stands now).
    """
    document = await service.get(request_id, caller, follow, as_of)
    response.headers["ETag"] = f'"{document["version"]}"'
    response.headers["Vary"] = "Authorization"
    if service.sees_all(caller):
        return ServiceRequest.model_validate(staff_view(document))
    if service.is_reporter(document, caller, follow):
        return views.followed_view(document)
    return views.public_view(document)


@router.get("/requests")
@router.get("/requests/", include_in_schema=False)
async def search_requests(
    query: Annotated[SearchQuery, Query()], service: Service, caller: AnyCaller
) -> RequestPage:
    """Search, newest first; the public finds what is public to the point."""
    found, cursor = await service.search(query, caller)
    items: list[Any]
    if service.sees_all(caller):
        items = [ServiceRequest.model_validate(staff_view(item)) for item in found]
    else:
        items = [views.public_view(item) for item in found]
    return RequestPage(items=items, next_cursor=cursor)


@router.get("/requests/{request_id}/events")
async def request_events(
    request_id: Id,
    service: Service,
    caller: AnyCaller,
    follow: Follow = None,
    as_of: AsOf = None,
) -> EventPage:
    """Return a request's history; the public sees what happened and when, nothing more."""
    document = await service.get(request_id, caller, follow, as_of)
    view = views.staff_events if caller.is_staff else views.public_events
    events = view(await service.events(document["_id"], as_of))
    return EventPage.model_validate({"request_id": request_id, "events": events})


@router.get("/requests/{request_id}/audit")
async def audit_request(request_id: Id, service: Service, _: Staff) -> AuditReport:
    """Verify a request's hash chain and its state against it."""
    return await service.audit(request_id)


@router.get("/categories")
async def list_categories(service: Service) -> list[dict[str, Any]]:
    """Return what can be reported."""
    return await service.categories()


@router.get("/zones")
async def list_zones(service: Service) -> list[dict[str, str]]:
    """Return the city's zones."""
    return await service.zones()
