"""What the relay tells about itself: metrics of a registry of its own, and its health."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from cst_core.clock import wall_now
from cst_relay.domain.records import Position

Role = Literal["starting", "standby", "leader", "retrying"]


class Instruments:
    """The metric families of a process, shared by its feeds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sent = self._counter("sent", "Records delivered to Kafka for good")
        self.repeated = self._counter("repeated", "Records sent again by a rebuild")
        self.dead = self._counter("dead_lettered", "Malformed events sent to the dead letters")
        self.images_lost = self._counter("images_lost", "Changes whose post-image had expired")
        self.reconnects = self._counter("reconnects", "Starts over after an error")
        self.rebuilds = self._counter("rebuilds", "Rebuilds begun")
        self.queued = self._gauge("queue_depth", "Entries between reader and sender")
        self.oplog_window = self._gauge("oplog_window_seconds", "Span of the oplog")
        self.leader = self._gauge("leader", "1 where this relay leads, 0 where it waits")
        self.lag = self._gauge("lag_seconds", "Age of the last event sent while others wait")
        self.event_age = self._gauge("last_event_age_seconds", "Time since the last event")
        self.poll_age = self._gauge("last_poll_age_seconds", "Time since the stream answered")
        self.position_age = self._gauge("position_age_seconds", "Time since the position moved")

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"cst_relay_{name}", text, ["feed"], registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"cst_relay_{name}", text, ["feed"], registry=self.registry)


class RelayMetrics:
    """Metrics of one feed, and what is told of its health."""

    def __init__(self, feed: str, instruments: Instruments | None = None) -> None:
        known = instruments or Instruments()
        self.feed = feed
        self.role: Role = "starting"
        #: Why the last term ended, until something is delivered again.
        self.error: str | None = None
        self._moved = self._polled = time.monotonic()
        self._event_at: datetime | None = None
        self._quiet = True
        self.sent = known.sent.labels(feed)
        self.repeated = known.repeated.labels(feed)
        self.dead = known.dead.labels(feed)
        self.images_lost = known.images_lost.labels(feed)
        self.reconnects = known.reconnects.labels(feed)
        self.rebuilds = known.rebuilds.labels(feed)
        self.queued = known.queued.labels(feed)
        self.oplog_window = known.oplog_window.labels(feed)
        known.leader.labels(feed).set_function(lambda: self.role == "leader")
        known.lag.labels(feed).set_function(self.lag_s)
        known.event_age.labels(feed).set_function(self._event_age_s)
        known.poll_age.labels(feed).set_function(lambda: time.monotonic() - self._polled)
        known.position_age.labels(feed).set_function(self.position_age_s)

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
        self.error = None
        self.sent.inc(records - dead)
        self.dead.inc(dead)
        if position is not None and position.at is not None:
            self._event_at = position.at
        elif position is not None:
            self._quiet = True  # it ends with the position of a stream that had nothing more

    def lag_s(self) -> float:
        """Seconds between the last event sent and now; 0 where none waits.

        Who cannot read does not know whether one waits: then, since the position last moved.
        """
        if self.role in ("starting", "retrying"):
            return self.position_age_s()
        return 0.0 if self._quiet else self._event_age_s()

    def _event_age_s(self) -> float:
        if self._event_at is None:
            return 0.0
        return max(0.0, (wall_now() - self._event_at).total_seconds())

    def position_age_s(self) -> float:
        """Seconds since the position (or a rebuild) last moved."""
        return time.monotonic() - self._moved

    def healthy(self, unhealthy_after_s: float) -> bool:
        """A waiting relay is healthy; any other is while its position moves."""
        return self.role == "standby" or self.position_age_s() < unhealthy_after_s

    def report(self) -> dict[str, Any]:
        """Return what there is to tell: feed, role, ages in seconds, the error in the way."""
        return {
            "feed": self.feed,
            "role": self.role,
            "lag_s": round(self.lag_s(), 3),
            "position_age_s": round(self.position_age_s(), 1),
            "error": self.error,
        }
