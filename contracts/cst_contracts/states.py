"""Bodies of the state topics: a document as it stands, without text and without contact data.

They are plain JSON, keyed by what they are the state of; a record without a value says that it is
gone. The header ``cst_schema`` names the schema.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cst_contracts.base import Instant, Latitude, Longitude, ObjectIdStr, RequestId, Wire
from cst_contracts.documents import (
    Aggregation,
    Assignment,
    Coverage,
    Duplicates,
    Schedule,
    SlaPolicy,
    SourceRef,
    Timestamps,
    Workflow,
)
from cst_contracts.enums import AgentKind, Priority, Publicity, Status


class StateLocation(Wire):
    """Where a request is; ``h3`` has resolution 10."""

    coordinates: tuple[Longitude, Latitude]
    zone_id: str
    h3: str | None = None
    located: bool = True
    snapped: bool = False


class RequestState(Wire):
    """A request as it stands; of two, the one with the higher ``(version, seq)`` is the newer."""

    request_id: RequestId
    version: int = Field(ge=1)
    seq: int = Field(ge=0, description="Of the last event that the state includes")
    category: str
    status: Status
    priority: Priority
    workflow: Workflow
    sla_policy: SlaPolicy | None
    due_at: Instant | None
    resolution_code: str | None
    timestamps: Timestamps
    location: StateLocation
    duplicates: Duplicates
    assignment: Assignment
    public: Publicity
    historic: bool
    source: SourceRef | None


class AgentState(Wire):
    """An agent or a team as it stands."""

    id: ObjectIdStr
    agent_code: str
    kind: AgentKind
    department: str
    skills: list[str]
    coverage: Coverage
    schedule: Schedule
    active: bool
    capacity: int | None = Field(ge=0, description="Null for a team, which has none")
    open_assignments: int = Field(ge=0)
    last_assigned_at: Instant | None


class GeoFeedState(Wire):
    """A snapshot of a named map feed; ``etag`` is a digest of it.

    ``expires_at`` lies far away: a snapshot is there until its feed has enough newer ones.
    """

    feed_name: str = Field(examples=["open-potholes@17"])
    generated_at: Instant
    filters: dict[str, Any]
    etag: str
    expires_at: Instant
    aggregation: Aggregation
