"""Kafka topics: names, partitions, keys, retention, and the dead-letter topic of each."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is created; ``key`` says what its records are keyed by.

    The partition count is fixed here: changing it would move keys and so break the order per key.
    """

    name: str
    key: str
    description: str
    partitions: int = 6
    retention_ms: int = 14 * DAY_MS
    compacted: bool = False
    dead_letter: bool = field(default=True, compare=False)

    @property
    def dlq(self) -> str:
        """Name of the topic that takes what could not be handled."""
        return f"{self.name}.dlq"

    def config(self) -> dict[str, str]:
        """Return the broker's topic settings."""
        if self.compacted:
            return {"cleanup.policy": "compact"}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


REQUEST_EVENTS = Topic(
    name="cst.request.events.v1",
    key="request_id",
    description="Every event of every request, in seq order per request. Internal: facts and ids.",
)

#: Every topic that CST creates (dead-letter topics beside them).
TOPICS: tuple[Topic, ...] = (REQUEST_EVENTS,)
