"""What callers send about agents, and dispatch's decisions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cst_contracts.base import Command, Instant, ObjectIdStr, RequestId, Wire
from cst_contracts.documents import GeoFence, ServiceAgent
from cst_contracts.enums import AgentKind, Weekday
from cst_contracts.events import CandidateScore

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


class CoverageIn(Command):
    zone_ids: list[Code] = []
    geo_fence: GeoFence | None = None


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


class AgentPage(Wire):
    items: list[ServiceAgent]
    next_cursor: str | None


class AssignmentDecision(Wire):
    """What dispatch decided for a request, and why."""

    request_id: RequestId
    outcome: str = Field(examples=["assigned", "deferred"])
    agent_id: ObjectIdStr | None
    agent_code: str | None
    candidates: list[CandidateScore]
    excluded: dict[str, int]
    next_try_at: Instant | None
