"""What outsiders get of a request's events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_contracts.base import Instant, RequestId, Wire
from cst_contracts.enums import Priority, Status

PUBLIC_PREFIX = "cst.public.request."


class PublicFacts(Wire):
    """What anybody may see of a request, as it stands after the event."""

    category: str
    status: Status
    priority: Priority
    zone_id: str
    h3: str | None = Field(description="H3 cell of resolution 10; null where not located")
    created_at: Instant
    due_at: Instant | None
    resolved_at: Instant | None
    is_master: bool


class PublicRequestEvent(Wire):
    """CloudEvents 1.0 envelope around the public facts; ``seq`` ascends per ``subject``, with gaps.

    Only requests that are public to the point are told of. The arrival of an event alone would
    tell more of the others than the month and the area that anybody may know: their numbers are in
    the totals of the analytics routes.
    """

    specversion: Literal["1.0"]
    id: str = Field(description="UUIDv7")
    source: str = Field(examples=["/cst/new-york"])
    type: str = Field(examples=["cst.public.request.created"])
    subject: RequestId
    time: Instant = Field(description="When it happened")
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    seq: int = Field(ge=0)
    version: int = Field(ge=1, description="Version of the request after this event")
    data: PublicFacts

    @property
    def name(self) -> str:
        """Short name of the type, e.g. ``created``."""
        return self.type.removeprefix(PUBLIC_PREFIX)
