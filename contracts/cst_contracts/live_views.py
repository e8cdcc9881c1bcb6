"""What ``GET /analytics/live`` sends: the data of its server-sent events, by their names."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_contracts.base import Instant, RequestId, Wire
from cst_contracts.enums import Priority, Status

BrokerState = Literal["connecting", "up", "away"]


class LiveEvent(Wire):
    """A request as it stands on the map after an event; the highest ``seq`` is the newest."""

    request_id: RequestId
    seq: int
    type: str = Field(description="Short name of the event, e.g. created")
    at: Instant
    cell: str | None = Field(description="H3 cell of resolution 10; null (staff) if not located")
    zone_id: str
    category: str
    status: Status
    priority: Priority


class LiveRemoval(Wire):
    """A request that is no more on the map as this caller sees it; why is not told."""

    request_id: RequestId
    seq: int


class LiveFrame(Wire):
    """``event: frame``: what happened in a quarter of a second, as far as the filter wants it."""

    events: list[LiveEvent]
    removed: list[LiveRemoval]


class LiveReady(Wire):
    """``event: ready``: the stream begins after this position, or goes on there (``resumed``)."""

    position: str = Field(description="As in the events' id; for Last-Event-ID")
    resumed: bool


class LiveReset(Wire):
    """``event: reset``: events were missed; load the map anew, the stream goes on from here."""

    reason: Literal["unknown_position", "other_log", "too_old", "ahead", "too_slow"]
    detail: str
    position: str


class LiveStatus(Wire):
    """``event: status``: whether new events can arrive at all."""

    broker: BrokerState
