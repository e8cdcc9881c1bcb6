"""Metrics of every consumer, by its name."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

HANDLED = Counter("cst_events_handled", "Events whose effect was committed", ["consumer"])
SKIPPED = Counter("cst_events_skipped", "Events handled before, dropped by mark", ["consumer"])
RETRIED = Counter("cst_events_retried", "Attempts that failed and were repeated", ["consumer"])
DEAD = Counter("cst_events_dead_lettered", "Events sent to the dead letters", ["consumer"])
SECONDS = Histogram("cst_batch_seconds", "Time to apply a batch", ["consumer"])
