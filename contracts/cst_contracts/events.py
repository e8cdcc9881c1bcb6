"""The events of a request, one model a type, and who may write each.

``RequestEvent`` is the CloudEvents 1.0 envelope (JSON, structured mode) around a type's ``data``:
the actor, the type's own fields, and the facts as they stand after the event. No contact data and
no free text is in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
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
    source: str | None = Field(
        default=None,
        description="How it came in, e.g. api or phone, or as the system it was imported from "
        "says; null where that is not known",
    )


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
    successor_of: RequestId | None = None


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
    overridden: list[str] = Field(default=[], description="What spoke against it; staff knew")


class InProgress(TextData):
    """Work has begun, or begins again after it was thought done (``reopened``)."""

    reopened: bool = False


class Resolved(TextData):
    """Work has ended, with the outcome's code."""

    resolution_code: str


class Closed(TextData):
    """Nothing more is expected. ``resolution_code`` is there where it was closed without work."""

    resolution_code: str | None = None
    rule: str | None = Field(default=None, description="Rule that fired; null when staff did it")


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


class SlaAtRisk(EventData):
    """Most of the promised time is used up; it runs out at ``due_at``."""

    policy_id: str
    after_hours: float
    due_at: Instant


class SlaResponseMissed(EventData):
    """Nobody of the city has answered in the time that was promised for it."""

    policy_id: str
    acknowledge_hours: float


class SlaOverdue(EventData):
    """The promised time is over; a breach is declared when the policy's slack is used up, too."""

    policy_id: str
    target_hours: float


class PolicyChanged(EventData):
    """An admin had the promise selected anew, by the policies as they are now."""

    from_policy_id: str | None
    to_policy_id: str | None
    from_version: int | None = Field(description="Of the city's policies; null where unknown")
    to_version: int | None


class Reassigned(TextData):
    """The work passed from one agent to another, its status stayed."""

    from_agent_id: ObjectIdStr | None
    agent_id: ObjectIdStr
    agent_code: str
    assignment_policy: str
    candidates: list[CandidateScore] = []
    excluded: dict[str, int] = Field(default={}, description="How many agents each reason left out")
    cause: str | None = Field(
        default=None, description="escalated, not_accepted, deactivated or manual"
    )
    overridden: list[str] = Field(default=[], description="What spoke against it; staff knew")


class RulesChanged(EventData):
    """The request is bound to another version of the lifecycle's rules."""

    from_version: str
    to_version: str


class Held(TextData):
    """Work waits for something outside; the clock stands still."""

    reason: str
    until: Instant


class Resumed(TextData):
    """The hold is over: by hand, by its expiry or by a step; the clock runs again."""

    reason: str
    held_seconds: int = Field(ge=0, description="How long this hold lasted")
    expired: bool = False


class CategoryChanged(TextData):
    """Staff corrected what it is about."""

    from_category: str
    to_category: str


class PriorityChanged(TextData):
    """The urgency was corrected, or raised by a rule (``rule``)."""

    from_priority: Priority
    to_priority: Priority
    rule: str | None = None


class LocationChanged(TextData):
    """The place was corrected; the old one is in the events before."""

    from_zone_id: str
    to_zone_id: str


class DangerConfirmed(TextData):
    """A supervisor looked at a danger and let it stand."""


class NoticeAcknowledged(EventData):
    """Somebody of ``role`` has taken note."""

    notice_id: str
    kind: str
    role: str


class NoticeRepeated(EventData):
    """Nobody has taken note of a notice in time: it now concerns ``to_role``, too."""

    notice_id: str
    kind: str
    from_role: str
    to_role: str
    times: int = Field(ge=1, description="How often it has been repeated, with this time")


class Escalated(TextData):
    """Somebody, or a step of the SLA policy, asked for more attention."""

    action: str
    after_hours: float | None = Field(default=None, description="Step of the policy that fired")


class DuplicateLinked(TextData):
    """A report and its master were linked; ``role`` is that of the subject."""

    role: Literal["master", "duplicate"]
    other_request_id: RequestId
    how: Literal["auto", "suggestion", "manual", "flattened"]
    distance_m: float | None = None


class DuplicateUnlinked(TextData):
    """A report has its own life again; ``role`` is the one the subject had."""

    role: Literal["master", "duplicate"]
    other_request_id: RequestId


class DuplicateSuggested(EventData):
    """The report looks like another one; staff say whether it is."""

    master_request_id: RequestId
    distance_m: float


class DuplicateRefused(TextData):
    """Staff said that the two are different matters."""

    master_request_id: RequestId


class Supported(EventData):
    """Somebody else has seen the same ("me too"), without a report of their own."""

    supporters: int = Field(ge=1)


class Succeeded(TextData):
    """The matter goes on in another request, its successor."""

    succeeded_by: RequestId


class Commented(TextData):
    """A comment, or a reply to one."""

    comment_id: str
    parent_comment_id: str | None = None
    visibility: Literal["public", "internal"]


class EvidenceAdded(EventData):
    """A photo, video or file was added; who may see it is said by ``visibility``."""

    evidence_id: str
    evidence_type: Literal["photo", "video", "file"]
    sha256: str
    uploaded_by: Literal["citizen", "agent", "staff"]
    visibility: Literal["public", "internal"]


ModerationTarget = Literal["text", "evidence", "comment"]


class Released(TextData):
    """Staff let the public see a text or a photo."""

    target: ModerationTarget
    target_id: str | None = None


class Hidden(TextData):
    """Staff took a text or a photo from the public; they still see it."""

    target: ModerationTarget
    target_id: str | None = None


class Redacted(TextData):
    """A text, a note or a file was erased for good; that it was there remains."""

    target: Literal["text", "evidence", "comment", "note"]
    target_id: str | None = None


class VisibilityChanged(TextData):
    """How much of the request the public may see has changed."""

    from_public: Publicity
    to_public: Publicity


class Rated(TextData):
    """Its citizen judged the work."""

    rating: int = Field(ge=1, le=5)
    reason_codes: list[str] = []
    dispute_flag: bool = False


class Disputed(TextData):
    """Its citizen says that the work is not done."""

    reason_codes: list[str] = []


class DisputeSettled(TextData):
    """A supervisor decided a dispute: ``upheld`` leads to a successor, ``refused`` to closing."""

    outcome: Literal["upheld", "refused"]


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
        _spec("created", Created, "intake", "workflow", public=True),
        _spec("imported", Imported, "intake", public=True),
        _spec("triaged", Triaged, "workflow", public=True),
        _spec("assigned", Assigned, "dispatch", "workflow", public=True),
        _spec("in_progress", InProgress, "workflow", public=True),
        _spec("resolved", Resolved, "workflow", public=True),
        _spec("closed", Closed, "workflow", public=True),
        _spec("agent_reserved", AgentReserved, "dispatch", "workflow"),
        _spec("agent_released", AgentReleased, "dispatch", "workflow"),
        _spec("assignment_deferred", AssignmentDeferred, "dispatch"),
        _spec("reassigned", Reassigned, "dispatch"),
        _spec("sla_at_risk", SlaAtRisk, "sla"),
        _spec("sla_response_missed", SlaResponseMissed, "sla"),
        _spec("sla_overdue", SlaOverdue, "sla"),
        _spec("sla_breached", SlaBreached, "sla"),
        _spec("policy_changed", PolicyChanged, "sla"),
        _spec("rules_changed", RulesChanged, "workflow"),
        _spec("held", Held, "workflow", public=True),
        _spec("resumed", Resumed, "workflow", public=True),
        _spec("category_changed", CategoryChanged, "workflow", public=True),
        _spec("priority_changed", PriorityChanged, "workflow", "sla", public=True),
        _spec("location_changed", LocationChanged, "workflow", public=True),
        _spec("danger_confirmed", DangerConfirmed, "workflow"),
        _spec("notice_acknowledged", NoticeAcknowledged, "workflow"),
        _spec("notice_repeated", NoticeRepeated, "sla"),
        _spec("escalated", Escalated, "workflow", "sla"),
        _spec("duplicate_linked", DuplicateLinked, "workflow", public=True),
        _spec("duplicate_unlinked", DuplicateUnlinked, "workflow", public=True),
        _spec("duplicate_suggested", DuplicateSuggested, "workflow"),
        _spec("duplicate_refused", DuplicateRefused, "workflow"),
        _spec("supported", Supported, "workflow", public=True),
        _spec("succeeded", Succeeded, "workflow", public=True),
        _spec("comment", Commented, "intake"),
        _spec("evidence_added", EvidenceAdded, "intake"),
        _spec("released", Released, "intake"),
        _spec("hidden", Hidden, "intake"),
        _spec("redacted", Redacted, "intake"),
        _spec("visibility_changed", VisibilityChanged, "intake"),
        _spec("rated", Rated, "intake"),
        _spec("disputed", Disputed, "intake"),
        _spec("dispute_settled", DisputeSettled, "workflow"),
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
        known = self.__dict__.get("_typed")
        return Facts.model_validate(self.data["facts"]) if known is None else known.facts

    def typed(self) -> EventData:
        """Return ``data`` as its type's model.

        Raises:
            KeyError: the type is not one of ``EVENTS``.
            pydantic.ValidationError: the data is not what the type promises.
        """
        return self._typed

    @cached_property
    def _typed(self) -> EventData:
        """Read once: consumers ask for the facts of an event again and again."""
        return EVENTS[self.name].data.model_validate(self.data)
