"""What callers send about requests, and what they get back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from cst_contracts.base import Command, Instant, Latitude, Longitude, ObjectIdStr, RequestId, Wire
from cst_contracts.contacts import ContactIn
from cst_contracts.documents import LedgerEvent, ServiceRequest
from cst_contracts.enums import ContactChannel, PriorityName, StatusName

MAX_DESCRIPTION = 4000
MAX_NOTE = 4000

Tag = Annotated[str, Field(min_length=1, max_length=50)]
AddressHint = Annotated[str, Field(min_length=1, max_length=300)]
Channel = Literal["api", "phone", "desk", "crew"]


class CitizenRefIn(Command):
    citizen_id: ObjectIdStr | None = None
    anonymous: bool = True
    contact_channel: ContactChannel = "none"


class LocationIn(Command):
    type: Literal["Point"] = "Point"
    coordinates: tuple[Longitude, Latitude] = Field(description="[longitude, latitude], WGS 84")
    address_hint: str | None = Field(default=None, max_length=300)


class CreateRequest(Command):
    """Body of ``POST /requests/``."""

    citizen_ref: CitizenRefIn = CitizenRefIn()
    contact: ContactIn | None = Field(
        default=None, description="Of a reporter without citizen_id, who wants to be reached"
    )
    category: str = Field(min_length=1, max_length=80)
    sub_category: str | None = Field(default=None, max_length=80)
    description: str = Field(min_length=1, max_length=MAX_DESCRIPTION)
    tags: list[Tag] = Field(default=[], max_length=20)
    location: LocationIn | None = Field(
        description="Null where staff know the address only, which `address_hint` gives then"
    )
    address_hint: AddressHint | None = None
    share_publicly: bool = Field(
        default=True, description="False: show this report to the public as an area only"
    )
    channel: Channel = Field(default="api", description="How it came in; staff and crews say it")


class TransitionCommand(Command):
    """Body of ``PATCH /requests/{request_id}/transition``; rules say which fields a step needs."""

    to: StatusName
    expected_version: int | None = Field(default=None, ge=1)
    priority: PriorityName | None = None
    assigned_agent_id: ObjectIdStr | None = None
    resolution_code: str | None = Field(default=None, max_length=50)
    note: str | None = Field(default=None, min_length=1, max_length=MAX_NOTE)


class PublicLocation(Wire):
    type: Literal["Point"] = "Point"
    coordinates: tuple[Longitude, Latitude]
    zone_id: str


class PublicRequest(Wire):
    """What anybody may see of a request whose category is public to the point.

    ``description`` is null until staff have released it (a city may show it at once); ``photos``
    are the addresses of the released ones.
    """

    request_id: RequestId
    category: str
    status: str
    priority: str
    created_at: Instant
    updated_at: Instant
    due_at: Instant | None
    resolved_at: Instant | None
    location: PublicLocation | None
    is_master: bool
    version: int
    description: str | None = None
    photos: list[str] = []


class FollowedRequest(PublicRequest):
    """What the reporter sees through the signed link: the public view and their own words."""

    address_hint: str | None


class CreatedRequest(FollowedRequest):
    """Answer to ``POST /requests/``; ``follow_url``, the reporter's link, is the same on replay."""

    zone_id: str
    follow_url: str
    emergency_advice: str | None = None


class RequestPage(Wire):
    """A page of requests; ``next_cursor`` is null on the last one."""

    items: list[ServiceRequest | PublicRequest]
    next_cursor: str | None


class EventPage(Wire):
    """Part of a request's history; ``next_cursor`` is null on the last page."""

    request_id: RequestId
    events: list[LedgerEvent | dict[str, Any]]
    next_cursor: str | None = None


class AuditReport(Wire):
    """The verification of one request's hash chain and of its state against it."""

    request_id: RequestId
    ok: bool
    events: int
    head: str | None
    problems: list[str]
