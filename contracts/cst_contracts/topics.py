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
        """Name of the topic that takes what could not be handled, where ``dead_letter``."""
        return f"{self.name}.dlq"

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and that of its dead-letter topic if it has one."""
        return (self.name, self.dlq) if self.dead_letter else (self.name,)

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
REQUEST_STATE = Topic(
    name="cst.request.state.v1",
    key="request_id",
    description=(
        "Every request as it stands after each change; the state with the highest (version, seq) "
        "is the newest. No value: the request was deleted. Internal: facts and ids, no text."
    ),
    compacted=True,
)
AGENT_STATE = Topic(
    name="cst.agent.state.v1",
    key="agent id",
    description=(
        "Every agent and team as it stands; the last one is the newest. No value: the agent was "
        "deleted. Internal: no name and no contact data."
    ),
    compacted=True,
)
GEO_FEEDS = Topic(
    name="cst.geo.feeds.v1",
    key="feed_name",
    description="Snapshots of named map feeds, without their GeoJSON. Internal.",
    retention_ms=DAY_MS,
)
#: Without dead letters: what one tells of an event is not for outsiders, and the same event is
#: among those of ``REQUEST_EVENTS`` already.
REQUEST_PUBLIC = Topic(
    name="cst.request.public.v1",
    key="request_id",
    description=(
        "For outsiders: what anybody may see of the requests that are public to the point, in seq "
        "order per request, with gaps where an event is internal."
    ),
    dead_letter=False,
)

#: Every topic that CST creates (dead-letter topics beside them).
TOPICS: tuple[Topic, ...] = (
    REQUEST_EVENTS,
    REQUEST_STATE,
    AGENT_STATE,
    GEO_FEEDS,
    REQUEST_PUBLIC,
)
