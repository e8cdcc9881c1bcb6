"""What the relay tells about itself: metrics of its own registry, and its health."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from cst_core.clock import wall_now
from cst_relay.domain.records import Position

Role = Literal["starting", "standby", "leader", "retrying"]


class RelayMetrics:
    """Metrics of one feed. ``registry`` is what ``/metrics`` shows."""

    def __init__(self, feed: str) -> None:
        self.registry = CollectorRegistry()
        self.feed = feed
        self.role: Role = "starting"
        self._moved = self._polled = time.monotonic()
        self._event_at: datetime | None = None
        self._quiet = True
        self.sent = self._counter("sent", "Records acknowledged by Kafka")
        self.repeated = self._counter("repeated", "Records sent again by a rebuild")
        self.dead = self._counter("dead_lettered", "Malformed events sent to the dead letters")
        self.reconnects = self._counter("reconnects", "Starts over after an error")
        self.rebuilds = self._counter("rebuilds", "Rebuilds begun")
        self.queued = self._gauge("queue_depth", "Entries between reader and sender")
        self.oplog_window = self._gauge("oplog_window_seconds", "Span of the oplog")
        self._gauge("leader", "1 where this relay leads, 0 where it waits").set_function(
            lambda: self.role == "leader"
        )
        self._gauge("lag_seconds", "Age of the last event sent while others wait").set_function(
            self.lag_s
        )
        self._gauge("last_event_age_seconds", "Time since the last event").set_function(
            self._event_age_s
        )
        self._gauge("last_poll_age_seconds", "Time since the stream last answered").set_function(
            lambda: time.monotonic() - self._polled
        )
        self._gauge("position_age_seconds", "Time since the position moved").set_function(
            self.position_age_s
        )

    def _counter(self, name: str, text: str) -> Counter:
        family = Counter(f"cst_relay_{name}", text, ["feed"], registry=self.registry)
        return family.labels(self.feed)

    def _gauge(self, name: str, text: str) -> Gauge:
        family = Gauge(f"cst_relay_{name}", text, ["feed"], registry=self.registry)
        return family.labels(self.feed)

    def polled(self) -> None:
        """The stream has answered, with or without a change."""
        self._polled = time.monotonic()

    def read(self) -> None:
        """The stream has brought an event."""
        self._polled = time.monotonic()
        self._quiet = False

    def acknowledged(self, position: Position | None, records: int, dead: int) -> None:
        """A round of ``records`` was acknowledged, ``dead`` of them as dead letters."""
        self._moved = time.monotonic()
        self.sent.inc(records - dead)
        self.dead.inc(dead)
        if position is not None and position.at is not None:
            self._event_at = position.at
        elif position is not None and not records:
            self._quiet = True

    def lag_s(self) -> float:
        """Seconds between the last event sent and now; 0 where none waits."""
        return 0.0 if self._quiet else self._event_age_s()

    def _event_age_s(self) -> float:
        if self._event_at is None:
            return 0.0
        return max(0.0, (wall_now() - self._event_at).total_seconds())

    def position_age_s(self) -> float:
        """Seconds since the position (or a rebuild) last moved."""
        return time.monotonic() - self._moved
