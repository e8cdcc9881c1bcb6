"""What callers send about agents."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cst_contracts.base import (
    Command,
    Instant,
    Latitude,
    Longitude,
    Wire,
)
from cst_contracts.documents import ServiceAgent
from cst_contracts.enums import AgentKind, Weekday

Code = Annotated[str, Field(min_length=1, max_length=60)]
HourMinute = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class ShiftIn(Command):
    day: Weekday
    start: HourMinute
    end: HourMinute


class ScheduleIn(Command):
    timezone: str
    shifts: list[ShiftIn] = Field(default=[], max_length=50)
    on_call: bool = False


class GeoFenceIn(Command):
    """A GeoJSON Polygon of closed rings [[lon, lat], …] that do not cross, in the city."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: list[list[tuple[Longitude, Latitude]]]


class CoverageIn(Command):
    zone_ids: list[Code] = []
    geo_fence: GeoFenceIn | None = None


class AgentContactsIn(Command):
    phone: str | None = Field(default=None, max_length=40)


class CreateAgent(Command):
    """Body of ``POST /agents``. A team has no capacity; a person needs one."""

    agent_code: Code
    kind: AgentKind = "person"
    name: str = Field(min_length=1, max_length=120)
    department: Code
    skills: list[Code] = Field(min_length=1)
    coverage: CoverageIn
    schedule: ScheduleIn
    contacts: AgentContactsIn = AgentContactsIn()
    roles: list[Code] = Field(default=["agent"], min_length=1)
    active: bool = True
    capacity: int | None = Field(default=None, ge=0, le=10_000)


class ChangeAgent(Command):
    """Body of ``PATCH /agents/{agent_id}``: what is not sent stays as it is.

    What is sent replaces the whole of a field: a ``schedule`` with all of its shifts, a
    ``coverage`` with zones and fence. ``agent_code`` and ``kind`` may only be what they are.
    """

    agent_code: Code | None = None
    kind: AgentKind | None = None
    name: str | None = Field(default=None, min_length=1, max_length=120)
    department: Code | None = None
    skills: list[Code] | None = Field(default=None, min_length=1)
    coverage: CoverageIn | None = None
    schedule: ScheduleIn | None = None
    contacts: AgentContactsIn | None = None
    roles: list[Code] | None = Field(default=None, min_length=1)
    active: bool | None = None
    capacity: int | None = Field(default=None, ge=0, le=10_000)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("names nothing to change")
        return self


class AddLeave(Command):
    """Body of ``POST /agents/{agent_id}/leave``: from ``starts_at`` until before ``ends_at``."""

    starts_at: Instant
    ends_at: Instant
    reason: str | None = Field(default=None, min_length=1, max_length=200)


class AgentPage(Wire):
    items: list[ServiceAgent]
    next_cursor: str | None
