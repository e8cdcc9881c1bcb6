"""The events of a request, one model a type, and who may write each.

``RequestEvent`` is the CloudEvents 1.0 envelope (JSON, structured mode) around a type's ``data``:
the actor, the type's own fields, and the facts as they stand after the event. No contact data and
no free text is in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from cst_contracts.base import Instant, ObjectIdStr, RequestId, Wire
from cst_contracts.documents import Actor
from cst_contracts.enums import Priority, Publicity, Status

TYPE_PREFIX = "cst.request."


class Facts(Wire):
    """What every consumer needs to know of a request, as it stands after the event."""

    category: str
    zone_id: str
    h3: str | None = Field(description="H3 cell of resolution 10; null where not located")
    located: bool
    priority: Priority
    status: Status
    is_master: bool
    created_at: Instant
    due_at: Instant | None
    resolved_at: Instant | None = None
    historic: bool
    public: Publicity


class EventData(Wire):
    """Common part of every event's ``data``."""

    actor: Actor
    recorded_at: Instant
    facts: Facts


class TextData(EventData):
    """An event that somebody wrote a text with; the text itself stays in the ledger."""

    text_digest: str | None = Field(
        default=None, description="Salted SHA-256 of the text, null where there is none"
    )


class Created(TextData):
    """A citizen or staff filed a request."""

    channel: str = "api"
    priority_reason: str
    dangerous: bool = False


class Imported(TextData):
    """A request came from another system with its history already made (always ``seq`` 0)."""

    source_system: str
    source_id: str
    flags: list[str] = []


class Triaged(TextData):
    """The request was understood: its category and priority stand."""

    rule: str | None = Field(default=None, description="Rule that fired; null when staff did it")


class CandidateScore(Wire):
    agent_id: ObjectIdStr
    agent_code: str
    load_share: float
    distance_m: float | None = None


class Assigned(TextData):
    """An agent or team is responsible now."""

    agent_id: ObjectIdStr
    agent_code: str
    assignment_policy: str
    candidates: list[CandidateScore] = []
    excluded: dict[str, int] = Field(default={}, description="How many agents each reason left out")


class InProgress(TextData):
    """Work has begun."""


class Resolved(TextData):
    """Work has ended, with the outcome's code."""

    resolution_code: str


class Closed(TextData):
    """Nothing more is expected."""


class AgentReserved(EventData):
    """One unit of an agent's capacity was taken."""

    agent_id: ObjectIdStr
    agent_code: str


class AgentReleased(EventData):
    """One unit of an agent's capacity was given back."""

    agent_id: ObjectIdStr
    agent_code: str


class AssignmentDeferred(EventData):
    """Nobody fits now; dispatch tries again at ``next_try_at``."""

    reason: str
    excluded: dict[str, int] = {}
    next_try_at: Instant


class SlaBreached(EventData):
    """The promise was broken at ``breached_at`` (the event may be written later)."""

    policy_id: str
    target_hours: float
    breached_at: Instant


@dataclass(frozen=True, slots=True)
class EventSpec:
    """An event type: its short name in the ledger, its data model, and who writes it.

    ``public`` ones may be told to anybody, with the public facts in place of their data.
    """

    name: str
    data: type[EventData]
    producers: frozenset[str]
    public: bool = False
    version: int = 1

    @property
    def type(self) -> str:
        """CloudEvents type, e.g. ``cst.request.created``."""
        return TYPE_PREFIX + self.name

    @property
    def dataschema(self) -> str:
        """Identifier of the schema, its ``$id``; CloudEvents asks for an absolute URI."""
        return f"urn:cst:schema:{self.type}.v{self.version}"

    @property
    def file(self) -> str:
        """Name of the files of its schema and its examples, below ``contracts/``."""
        return f"{self.type}.v{self.version}.json"


def _spec(
    name: str, data: type[EventData], *producers: str, public: bool = False
) -> tuple[str, EventSpec]:
    return name, EventSpec(name, data, frozenset(producers), public)


#: Every event type by its short name.
EVENTS: dict[str, EventSpec] = dict(
    [
        _spec("created", Created, "intake", public=True),
        _spec("imported", Imported, "intake", public=True),
        _spec("triaged", Triaged, "workflow", public=True),
        _spec("assigned", Assigned, "dispatch", "workflow", public=True),
        _spec("in_progress", InProgress, "workflow", public=True),
        _spec("resolved", Resolved, "workflow", public=True),
        _spec("closed", Closed, "workflow", public=True),
        _spec("agent_reserved", AgentReserved, "dispatch", "workflow"),
        _spec("agent_released", AgentReleased, "workflow"),
        _spec("assignment_deferred", AssignmentDeferred, "dispatch"),
        _spec("sla_breached", SlaBreached, "sla"),
    ]
)


class RequestEvent(Wire):
    """CloudEvents 1.0 envelope; ``seq`` orders the events of one ``subject`` without gap."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(description="UUIDv7")
    source: str = Field(examples=["/cst/new-york/workflow"])
    type: str = Field(examples=["cst.request.created"])
    subject: RequestId
    time: Instant = Field(description="When it happened")
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    traceparent: str | None = None
    seq: int = Field(ge=0)
    version: int = Field(ge=1, description="Version of the request after this event")
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """Short name of the type, e.g. ``created``."""
        return self.type.removeprefix(TYPE_PREFIX)

    @property
    def facts(self) -> Facts:
        return Facts.model_validate(self.data["facts"])

    def typed(self) -> EventData:
        """Return ``data`` as its type's model.

        Raises:
            KeyError: the type is not one of ``EVENTS``.
            pydantic.ValidationError: the data is not what the type promises.
        """
        return EVENTS[self.name].data.model_validate(self.data)
