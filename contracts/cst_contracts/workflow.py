"""What callers send about the lifecycle and its rules, and what they get back."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from cst_contracts.base import Command, Instant, RequestId, Wire
from cst_contracts.documents import Actor
from cst_contracts.enums import Status
from cst_contracts.problems import Problem
from cst_contracts.requests import MAX_NOTE, TransitionCommand

#: The specification's lifecycle: a city's new requests are bound to it unless the city says else.
DEFAULT_RULES = "v1.0"
#: Requests in one bulk transition.
MAX_BULK = 100
#: Holds last at most so long, whatever a rule set says.
MAX_HOLD_DAYS = 365

RulesVersion = Annotated[
    str,
    Field(
        pattern=r"^v(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$",
        description="v<major>.<minor>",
        examples=["v1.0"],
    ),
]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]
RuleName = Annotated[str, Field(min_length=1, max_length=50)]
Note = Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]


class RuleEdge(Command):
    """One step: what must stand after it, and which roles may take it (the system always may)."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, serialize_by_alias=True
    )

    source: RuleName = Field(alias="from")
    target: RuleName = Field(alias="to")
    required: list[RuleName] = Field(default=[], max_length=20)
    required_by_category: dict[Code, list[RuleName]] = Field(
        default={}, max_length=200, description="What a category asks for beside `required`"
    )
    roles: list[RuleName] = Field(default=[], max_length=20)


class WorkflowRules(Command):
    """A version of the lifecycle's rules; once stored, it is never edited."""

    version: RulesVersion
    edges: list[RuleEdge] = Field(min_length=1, max_length=50)
    resolution_codes: list[Code] = Field(min_length=1, max_length=100)
    hold_reasons: list[Code] = Field(
        default=["awaiting_citizen", "awaiting_parts", "awaiting_permit", "third_party", "weather"],
        max_length=100,
    )
    max_hold_days: int = Field(default=30, ge=1, le=MAX_HOLD_DAYS, strict=True)


class AdoptRules(Command):
    """Body of ``POST /workflow-rules/{version}/adopt``."""

    from_version: RulesVersion | None = Field(
        default=None, description="Move requests of this version only; of every other one if absent"
    )
    dry_run: bool = Field(default=True, description="True: say what would happen, change nothing")


class IllegalRequest(Wire):
    """An open request that the other rules have no place for, and why."""

    request_id: RequestId
    from_version: str
    status: Status
    reason: str


class Adoption(Wire):
    """What adopting a version does, or (``dry_run``) would do, to what is not closed."""

    version: str
    dry_run: bool
    legal: int = Field(description="Requests that were moved, or could be")
    illegal: int = Field(description="Requests that stay with their rules")
    illegal_requests: list[IllegalRequest] = Field(description="The first of them")


class BulkStep(TransitionCommand):
    """One item of a bulk transition: a request, and the step as for the single one."""

    request_id: RequestId


class BulkTransition(Command):
    """Body of ``POST /requests/transitions``."""

    items: list[BulkStep] = Field(min_length=1, max_length=MAX_BULK)


class BulkOutcome(Wire):
    """What became of one item: ``version`` where the step was taken, else the problem."""

    request_id: RequestId
    ok: bool
    status: Status | None = None
    version: int | None = None
    problem: Problem | None = None


class BulkAnswer(Wire):
    """Answer to a bulk transition, an outcome for each item in the order sent."""

    items: list[BulkOutcome]


class HoldCommand(Command):
    """Body of ``POST /requests/{request_id}/hold``."""

    reason: str = Field(min_length=1, max_length=50, description="One of the rules' hold_reasons")
    until: Instant = Field(description="When it resumes by itself, at the latest")
    note: Note | None = None
    expected_version: int | None = Field(default=None, ge=1)


class ResumeCommand(Command):
    """Body of ``POST /requests/{request_id}/resume``."""

    note: Note | None = None
    expected_version: int | None = Field(default=None, ge=1)


class ActorEvent(Wire):
    """An event that an actor wrote, as staff see it."""

    event_id: str
    request_id: RequestId
    seq: int
    type: str
    by: Actor
    at: Instant
    recorded_at: Instant
    version: int
    service: str
    meta: dict[str, Any]
    changes: dict[str, Any]


class ActorEventPage(Wire):
    """A page of what an actor did, newest first; ``next_cursor`` is null on the last one."""

    items: list[ActorEvent]
    next_cursor: str | None
