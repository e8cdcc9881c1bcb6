"""Settings of the relay."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_core.settings import Settings


class RelaySettings(Settings):
    """What can be set of the relay, all of it by environment."""

    #: Port of /healthz, /readyz and /metrics; 0 serves none (several workers in one process).
    port: int = Field(default=0, alias="CST_RELAY_PORT", ge=0, le=65535)
    host: str = Field(default="127.0.0.1", alias="CST_RELAY_HOST")
    #: Names of the feeds that this process relays, separated by commas; all where not set.
    feeds: str = Field(default="", alias="CST_RELAY_FEEDS")
    #: What to do where the broker or the oplog has lost what was not sent: send again from the
    #: ledger, or stop.
    on_history_lost: Literal["rebuild", "fail"] = Field(
        default="rebuild", alias="CST_RELAY_ON_HISTORY_LOST"
    )
    #: How far before the last acknowledged time a rebuild begins: longer than a transaction may
    #: take and than writers' clocks may differ.
    overlap_s: float = Field(default=300, alias="CST_RELAY_OVERLAP_S", ge=60)
    #: How long a silent leader keeps its lease.
    lease_ttl_s: float = Field(default=3, alias="CST_RELAY_LEASE_TTL_S", ge=1, le=60)
    #: How often a quiet stream moves its position.
    heartbeat_s: float = Field(default=5, alias="CST_RELAY_HEARTBEAT_S", gt=0, le=10)
    #: Health turns bad when the position has not moved for so long.
    unhealthy_after_s: float = Field(default=60, alias="CST_RELAY_UNHEALTHY_AFTER_S", gt=10)
    #: Changes asked for at once, and how long the server waits for the first one.
    read_batch: int = Field(default=1000, alias="CST_RELAY_READ_BATCH", ge=1, le=10_000)
    read_await_ms: int = Field(default=500, alias="CST_RELAY_READ_AWAIT_MS", ge=10, le=5_000)
    #: Bounds of what is read and not sent yet.
    queue_records: int = Field(default=20_000, alias="CST_RELAY_QUEUE_RECORDS", ge=1)
    queue_mib: int = Field(default=64, alias="CST_RELAY_QUEUE_MIB", ge=1)
    checkpoint_ms: int = Field(default=200, alias="CST_RELAY_CHECKPOINT_MS", ge=10, le=10_000)
    #: How long the broker may take to acknowledge a round.
    delivery_timeout_s: float = Field(default=30, alias="CST_RELAY_DELIVERY_TIMEOUT_S", gt=0)
    #: How long a Kafka transaction gathers rounds before it is committed; readers of committed
    #: records wait so much longer. Not used with the embedded broker, which has none.
    commit_ms: int = Field(default=100, alias="CST_RELAY_COMMIT_MS", ge=1, le=10_000)
    #: Keep the checkpoint in Kafka, in the transaction of the records, so that readers of committed
    #: records see each event once. Needs Apache Kafka.
    exactly_once: bool = Field(default=False, alias="CST_RELAY_EXACTLY_ONCE")
    #: How often the broker is asked whether it is still the same one.
    broker_check_s: float = Field(default=2, alias="CST_RELAY_BROKER_CHECK_S", gt=0)
    #: How long a stop may take to send what was read.
    stop_s: float = Field(default=5, alias="CST_RELAY_STOP_S", gt=0)
    #: Replicas of the topics that the relay creates.
    replication: int = Field(default=1, alias="CST_RELAY_TOPIC_REPLICATION", ge=1)
