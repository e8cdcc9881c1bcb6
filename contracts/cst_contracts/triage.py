"""Triage and corrections: what staff, crews and reporters send, and what they get back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cst_contracts.base import Command, Instant, ObjectIdStr, RequestId, Wire
from cst_contracts.documents import Danger
from cst_contracts.enums import PriorityName
from cst_contracts.requests import (
    MAX_DESCRIPTION,
    MAX_NOTE,
    AddressHint,
    CitizenRefIn,
    LocationIn,
    Tag,
)

Reason = Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]
#: What a notice can be about.
NoticeKind = Literal["danger", "dispute", "escalation", "withdrawal"]
Version = Annotated[int, Field(ge=1, description="Refused where the request is at another one")]


class CategoryCorrection(Command):
    """Body of ``POST /requests/{request_id}/category``."""

    category: str = Field(min_length=1, max_length=80)
    sub_category: str | None = Field(default=None, max_length=80)
    reason: Reason
    expected_version: Version | None = None


class PriorityCorrection(Command):
    """Body of ``POST /requests/{request_id}/priority``."""

    priority: PriorityName
    reason: Reason
    expected_version: Version | None = None


class LocationCorrection(Command):
    """Body of ``POST /requests/{request_id}/location``: a point, or that nobody knows it."""

    location: LocationIn | None = None
    unknown: bool = Field(default=False, description="True where the place is not known after all")
    address_hint: AddressHint | None = Field(default=None, description="Goes with `unknown`")
    reason: Reason
    expected_version: Version | None = None


class DangerDecision(Command):
    """Body of ``POST /requests/{request_id}/danger``."""

    decision: Literal["confirm", "lower"]
    priority: PriorityName | None = Field(
        default=None, description="Of what is lowered; the category's default where absent"
    )
    reason: Reason
    expected_version: Version | None = None


class EscalateCommand(Command):
    """Body of ``POST /requests/{request_id}/escalate``."""

    action: str = Field(max_length=50, examples=["notify:supervisor", "raise_priority"])
    reason: Reason
    expected_version: Version | None = None


class DisputeSettlement(Command):
    """Body of ``POST /requests/{request_id}/dispute/settle``."""

    outcome: Literal["upheld", "refused"]
    reason: Reason
    assigned_agent_id: ObjectIdStr | None = Field(
        default=None, description="Who takes up work that is reopened; its last agent where absent"
    )
    expected_version: Version | None = None


class WithdrawCommand(Command):
    """Body of ``POST /requests/{request_id}/withdraw``."""

    reason: Reason | None = None


class WithdrawAnswer(Wire):
    """``withdrawn``; or ``asked``: work is under way, and a dispatcher decides."""

    request_id: RequestId
    outcome: Literal["withdrawn", "asked"]
    status: str
    version: int


class OnTheSpotCommand(Command):
    """Body of ``POST /requests/on-the-spot``: work found and done in one go.

    ``assigned_agent_id``, who did it, is for staff; an agent did it themselves.
    """

    citizen_ref: CitizenRefIn = CitizenRefIn()
    category: str = Field(min_length=1, max_length=80)
    sub_category: str | None = Field(default=None, max_length=80)
    description: str = Field(min_length=1, max_length=MAX_DESCRIPTION)
    tags: list[Tag] = Field(default=[], max_length=20)
    location: LocationIn
    resolution_code: str = Field(min_length=1, max_length=50)
    note: Reason
    assigned_agent_id: ObjectIdStr | None = None


class WaitingRequest(Wire):
    """A request that no rule triages, and why."""

    request_id: RequestId
    category: str
    sub_category: str | None
    description: str | None
    priority: str
    created_at: Instant
    due_at: Instant | None
    zone_id: str
    address_hint: str | None
    danger: Danger | None
    waits_because: str
    version: int


class TriageQueue(Wire):
    """A page of what waits for staff, most urgent and oldest first."""

    items: list[WaitingRequest]
    next_cursor: str | None


class NoticeView(Wire):
    """Something that somebody of one of ``roles``, in the order they were asked, must take note of.

    ``category``, ``zone_id`` and ``priority`` are the request's, as long as the notice is open.
    ``department`` is null where the city has no such category any more. ``repeat_at`` is null once
    it is not open: it was acknowledged, or ``closed_because`` says why nobody needs to any more.
    """

    notice_id: str
    request_id: RequestId
    kind: str
    roles: list[str]
    reason: str
    category: str
    department: str | None
    zone_id: str
    priority: str
    at: Instant
    open: bool
    repeats: int = Field(ge=0, description="How often it has been repeated")
    repeat_at: Instant | None = Field(description="When it goes to the next role")
    acknowledged_at: Instant | None
    acknowledged_by: str | None
    closed_because: str | None


class NoticeWebhook(Wire):
    """Body of the webhook of ``role``: a notice, posted or (``repeats`` above 0) repeated to it.

    ``at`` is when it was posted. ``path`` is that of its request in the API.
    """

    notice_id: str
    request_id: RequestId
    kind: str
    role: str
    reason: str
    category: str
    zone_id: str
    priority: str
    at: Instant
    repeats: int = Field(ge=0)
    path: str


class NoticePage(Wire):
    """A page of notices, oldest first; ``next_cursor`` is null on the last one."""

    items: list[NoticeView]
    next_cursor: str | None
