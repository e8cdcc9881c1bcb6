"""What dispatch shows: whose turn it is to do what, how much everybody has, and when nobody is."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from cst_contracts.base import Instant, Latitude, Longitude, ObjectIdStr, RequestId, Wire
from cst_contracts.enums import AgentKind, Priority, Status

Share = Annotated[float | None, Field(description="Of the capacity; null where there is none")]


class WorkItem(Wire):
    """Open work of an agent. ``since`` is when they were given it."""

    request_id: RequestId
    status: Status
    priority: Priority
    category: str
    zone_id: str
    coordinates: tuple[Longitude, Latitude] | None = Field(
        description="[lon, lat]; null where nobody knows the place"
    )
    address_hint: str | None
    due_at: Instant | None
    since: Instant | None
    hold_reason: str | None = Field(description="Null where it is not held")


class Worklist(Wire):
    """A page of open work by due time; what has none comes last."""

    items: list[WorkItem]
    next_cursor: str | None


class AgentLoad(Wire):
    """How much open work an agent has, and whether they are there now."""

    agent_id: ObjectIdStr
    agent_code: str
    name: str
    kind: AgentKind
    department: str
    open_assignments: int
    capacity: int | None = Field(description="Null: any amount, as of a team")
    share: Share
    on_shift: bool = Field(description="Now, and not on leave")
    on_leave: bool = Field(description="Now")


class Staffing(Wire):
    """Active persons, and what there is for them. Somebody counts wherever they could work."""

    persons: int
    working: int = Field(description="Of the persons: on shift now and not on leave")
    free_capacity: int = Field(description="How much more those who work now can take")
    open_work: int = Field(description="Assigned or in progress, duplicates left out")
    waiting: int = Field(description="Requests that wait for an agent")


class ZoneLoad(Staffing):
    """A zone. Persons with a geo fence only are in no zone, as they cover none as a whole."""

    zone_id: str
    name: str | None = Field(description="Null where the city has no such zone")


class SkillLoad(Staffing):
    """A skill. Work counts with each of the skills of which any one does for it."""

    skill: str


class LoadByAgent(Wire):
    """A page of the active agents by code."""

    group_by: Literal["agent"] = "agent"
    items: list[AgentLoad]
    next_cursor: str | None


class LoadByZone(Wire):
    group_by: Literal["zone"] = "zone"
    items: list[ZoneLoad]


class LoadBySkill(Wire):
    group_by: Literal["skill"] = "skill"
    items: list[SkillLoad]


Load = Annotated[LoadByAgent | LoadByZone | LoadBySkill, Field(discriminator="group_by")]


class TimeSpan(Wire):
    """From ``starts_at`` on, before ``ends_at``."""

    starts_at: Instant
    ends_at: Instant


class UncoveredDay(Wire):
    """A local day on which nobody is there for some time; ``whole``: all day long."""

    day: date
    weekday: str
    minutes: float = Field(gt=0)
    whole: bool


class CoverageGap(Wire):
    """When nobody is there for ``categories`` in ``zones``: for each in each of them alike.

    Any one of ``skills`` does. ``beyond_on_call`` has what remains where who is on call counts, as
    for a P1.
    """

    categories: list[str]
    skills: list[str]
    zone_ids: list[str]
    days: list[UncoveredDay]
    uncovered: list[TimeSpan]
    beyond_on_call: list[TimeSpan]


class CoverageGaps(Wire):
    """Gaps of the seven days from ``first_day`` to ``last_day`` by the city's clock."""

    first_day: date
    last_day: date
    timezone: str
    gaps: list[CoverageGap]
