"""The five collections of the specification, field by field, as staff read them over REST.

Field names are the specification's. A field that CST adds says so in its docstring. ``_id`` is
written ``id`` in JSON.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from cst_contracts.base import Instant, Latitude, Longitude, ObjectIdStr, RequestId, Wire
from cst_contracts.enums import ActorKind, AgentKind, ContactChannel, Priority, Publicity, Status


class CitizenRef(Wire):
    """``share_publicly``, false where the reporter wants an area to be shown only, is added."""

    citizen_id: ObjectIdStr | None = None
    anonymous: bool = True
    contact_channel: ContactChannel = "none"
    share_publicly: bool = True


class Hold(Wire):
    """Added by CST: a pause that stops the clock, with its reason and its end."""

    reason: str
    since: Instant
    until: Instant | None = None


class Pause(Wire):
    """Added by CST: a time for which the clock stood still."""

    since: Instant
    until: Instant


class Workflow(Wire):
    """``hold`` and what follows are added by CST."""

    current_state: Status
    allowed_next: list[str]
    transition_rules_version: str
    hold: Hold | None = None
    held_seconds: int = Field(default=0, ge=0, description="How long the clock has stood still")
    pauses: list[Pause] = Field(default=[], description="When the clock stood still")


class EscalationStep(Wire):
    after_hours: float = Field(gt=0)
    action: str


class SlaPolicy(Wire):
    """The promise copied into a request. All after ``escalation_steps`` is added by CST.

    Hours are hours of ``calendar``, whose opening hours stand in ``calendar_terms`` (null: hours of
    the clock). ``version`` is that of the city's policies, null where another system promised.
    ``priority`` is the one it was selected for.
    """

    policy_id: str
    target_hours: float = Field(ge=0)
    breach_threshold_hours: float = Field(ge=0)
    escalation_steps: list[EscalationStep] = []
    warn_hours: float | None = None
    acknowledge_hours: float | None = None
    repeat_hours: float | None = None
    calendar: str = "24x7"
    calendar_terms: dict[str, Any] | None = None
    version: int | None = None
    priority: Priority | None = None


class FiredStep(Wire):
    """Added by CST: a step of the clock that has fired, and when it was due."""

    step: str = Field(examples=["at_risk:54", "breached"])
    due_at: Instant


class Timestamps(Wire):
    created_at: Instant
    triaged_at: Instant | None = None
    assigned_at: Instant | None = None
    in_progress_at: Instant | None = None
    resolved_at: Instant | None = None
    closed_at: Instant | None = None
    updated_at: Instant


class Location(Wire):
    """``h3`` (resolution 10), ``located`` and ``snapped`` are added by CST.

    ``located`` is false where nobody knows the place: such a request has zone ``UNKNOWN`` and is
    kept off the map.
    """

    type: Literal["Point"] = "Point"
    coordinates: tuple[Longitude, Latitude]
    address_hint: str | None = None
    zone_id: str
    h3: str | None = None
    located: bool = True
    snapped: bool = False


class Duplicates(Wire):
    """``linked_at``, when the request became a duplicate, is added by CST."""

    is_master: bool = True
    master_request_id: RequestId | None = None
    linked_duplicates: list[RequestId] = []
    linked_at: Instant | None = None


class Assignment(Wire):
    """What follows ``assignment_policy`` is added by CST.

    ``past_agent_ids`` had it before it was passed on, ``since`` is when who has it now was given
    it, ``not_accepted`` how often somebody did not begin in the time for that.
    """

    assigned_agent_id: ObjectIdStr | None = None
    auto_assign_candidate_agents: list[ObjectIdStr] = []
    assignment_policy: str = "zone+skill+workload"
    past_agent_ids: list[ObjectIdStr] = []
    since: Instant | None = None
    not_accepted: int = Field(default=0, ge=0)


class Evidence(Wire):
    """What follows ``uploaded_at`` is added by CST. A redacted one has no ``url`` any more."""

    type: Literal["photo", "video", "file"]
    url: str | None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    uploaded_by: Literal["citizen", "agent", "staff"]
    uploaded_at: Instant
    evidence_id: str
    visibility: Literal["public", "internal"]
    content_type: str | None = None
    size: int | None = Field(default=None, ge=0, description="Bytes; null where it is elsewhere")


class Internal(Wire):
    """An erased note is null and keeps its place."""

    notes: list[str | None] = []
    visibility: Literal["internal_only"] = "internal_only"


class Danger(Wire):
    """Added by CST: why a request was held dangerous, and what a supervisor said to it."""

    reason: str
    state: Literal["unconfirmed", "confirmed", "lowered"]


class Dispute(Wire):
    """Added by CST: the citizen's contradiction, until it is settled."""

    at: Instant
    reason_codes: list[str] = []


class LedgerHead(Wire):
    """Added by CST: the head of the request's hash chain."""

    seq: int = Field(ge=0)
    hash: str
    bucket: int = Field(ge=0)


class SourceRef(Wire):
    """Added by CST: where an imported request came from, and who had it there."""

    system: str
    id: str
    department: str | None = None


class ServiceRequest(Wire):
    """Collection ``service_requests``: the single source of truth for a request's state.

    Added by CST: ``due_at``, ``resolution_code`` and everything that follows ``internal``.
    """

    id: ObjectIdStr
    request_id: RequestId
    citizen_ref: CitizenRef
    category: str
    sub_category: str | None = None
    description: str | None = Field(description="Null where it was erased")
    tags: list[str] = []
    status: Status
    priority: Priority
    workflow: Workflow
    sla_policy: SlaPolicy | None
    due_at: Instant | None = None
    resolution_code: str | None = None
    timestamps: Timestamps
    location: Location
    duplicates: Duplicates
    assignment: Assignment
    evidence: list[Evidence] = []
    internal: Internal = Internal()
    public: Publicity
    historic: bool = False
    source: SourceRef | None = None
    channel: str | None = Field(
        default=None,
        description="How it came in: api, phone, desk, crew or successor, or as the system it was "
        "imported from says; null where that is not known",
    )
    danger: Danger | None = None
    dispute: Dispute | None = None
    escalations: int = Field(default=0, ge=0)
    sla_fired: list[FiredStep] = []
    first_response_at: Instant | None = None
    reopened: int = Field(default=0, ge=0, description="How often it was thought done, and was not")
    rating: int | None = None
    supporters: int = Field(default=0, ge=0)
    text_public: bool = False
    successor_of: RequestId | None = None
    succeeded_by: RequestId | None = None
    version: int = Field(ge=1)
    ledger: LedgerHead


class Verification(Wire):
    state: Literal["unverified", "verified"] = "unverified"
    method: str = "none"
    verified_at: Instant | None = None


class CitizenContacts(Wire):
    email: str | None = None
    phone: str | None = None


class Privacy(Wire):
    default_anonymous: bool = False
    share_publicly_on_map: bool = True


class Notifications(Wire):
    on_status_change: bool = True
    on_resolution: bool = True


class Preferences(Wire):
    preferred_contact: str = "email"
    language: str = "en"
    privacy: Privacy = Privacy()
    notifications: Notifications = Notifications()


class Address(Wire):
    neighborhood: str | None = None
    city: str | None = None
    zone_id: str | None = None


class CitizenStats(Wire):
    total_requests: int = 0
    avg_rating: float | None = None


class Citizen(Wire):
    """Collection ``citizens``: the only place where contact data lives."""

    id: ObjectIdStr
    full_name: str | None = None
    verification: Verification = Verification()
    contacts: CitizenContacts = CitizenContacts()
    preferences: Preferences = Preferences()
    address: Address = Address()
    stats: CitizenStats = CitizenStats()
    created_at: Instant


class GeoFence(Wire):
    type: Literal["Polygon"] = "Polygon"
    coordinates: list[list[tuple[Longitude, Latitude]]]


class Coverage(Wire):
    zone_ids: list[str] = []
    geo_fence: GeoFence | None = None


class Shift(Wire):
    day: str
    start: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    end: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class Schedule(Wire):
    timezone: str
    shifts: list[Shift] = []
    on_call: bool = False


class AgentContacts(Wire):
    phone: str | None = None


class Leave(Wire):
    """Added by CST: a time in which an agent does not work, whatever the shifts say."""

    leave_id: str
    starts_at: Instant
    ends_at: Instant
    reason: str | None = None


class ServiceAgent(Wire):
    """Collection ``service_agents``. ``kind`` and what follows ``created_at`` are added by CST.

    ``position`` is [lon, lat] of the last work that was given to a person, where that is known.
    """

    id: ObjectIdStr
    agent_code: str
    kind: AgentKind = "person"
    name: str
    department: str
    skills: list[str]
    coverage: Coverage
    schedule: Schedule
    contacts: AgentContacts = AgentContacts()
    roles: list[str] = []
    active: bool = True
    created_at: Instant
    capacity: int | None = Field(default=None, ge=0)
    open_assignments: int = Field(default=0, ge=0)
    last_assigned_at: Instant | None = None
    position: tuple[Longitude, Latitude] | None = None
    leave: list[Leave] = []


class Actor(Wire):
    """Who did it. ``actor_id`` is an id or a rule's name, never contact data."""

    actor_type: ActorKind
    actor_id: str


class LedgerEvent(Wire):
    """One entry of ``event_stream``; what follows ``meta`` is added by CST."""

    type: str
    by: Actor
    at: Instant
    meta: dict[str, Any]
    event_id: str
    subject: RequestId
    seq: int
    version: int
    recorded_at: Instant
    service: str
    facts: dict[str, Any]
    changes: dict[str, Any]
    prev_hash: str
    hash: str


class ComputedKpis(Wire):
    resolution_minutes: float | None = None
    net_resolution_minutes: float | None = None
    sla_target_hours: float | None = None
    sla_state: str = "none"
    escalation_count: int = 0
    breach_reason: str | None = None


class CitizenFeedback(Wire):
    rating: int = Field(ge=1, le=5)
    reason_codes: list[str] = []
    comment: str | None = None
    dispute_flag: bool = False
    submitted_at: Instant


class PerformanceLog(Wire):
    """Collection ``performance_logs``: the immutable history, in buckets of 100 events."""

    id: ObjectIdStr
    request_id: ObjectIdStr
    event_stream: list[LedgerEvent]
    computed_kpis: ComputedKpis | None = None
    citizen_feedback: CitizenFeedback | None = None
    bucket: int = 0
    last_seq: int


class FeatureCollection(Wire):
    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[dict[str, Any]] = []


class Aggregation(Wire):
    method: str
    weight_formula: str
    tile_hint: str


class GeoFeed(Wire):
    """Collection ``geo_feeds``: cached answers for maps. The last two fields are added by CST."""

    feed_name: str
    generated_at: Instant
    filters: dict[str, Any]
    geojson: FeatureCollection
    aggregation: Aggregation
    expires_at: Instant
    etag: str
