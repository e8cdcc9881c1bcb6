"""Topics: create what is missing, refuse what differs, and tell one broker from another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.structs import TopicPartition

from cst_contracts.topics import Topic
from cst_core.errors import ConfigError, Unavailable

log = structlog.get_logger(__name__)

#: How long a broker may take until a topic it created shows in its metadata.
SETTLE_S = 15.0
SETTLE_POLL_S = 0.1
REQUEST_TIMEOUT_MS = 10_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A topic as it should be."""

    partitions: int
    config: Mapping[str, str]
    any_count: bool = False

    def refuses(self, count: int) -> bool:
        return count != self.partitions and not self.any_count


def physical(name: str, prefix: str) -> str:
    """Return the name a topic has on the broker."""
    return prefix + name


async def ensure_topics(
    bootstrap: str,
    topics: Iterable[Topic],
    *,
    prefix: str,
    replication: int = 1,
    volatile: bool = False,
) -> list[str]:
    """Create the topics that are missing, each with its dead-letter topic of one partition.

    Safe to run again and at the same time. The settings of topics that exist are left alone, and a
    dead-letter topic may have any number of partitions.

    Args:
        bootstrap: ``host:port,…`` of the broker.
        topics: what should exist.
        prefix: put before every name.
        replication: number of replicas of a new topic.
        volatile: the broker is the embedded one, which keeps nothing and creates any topic that a
            client asks about, with its own number of partitions: such a topic is replaced.

    Returns:
        The names created, as they are on the broker.

    Raises:
        ConfigError: a topic exists with another number of partitions, or the broker refuses one.
        Unavailable: the broker does not show what it created within 15 s.
        aiokafka.errors.KafkaError: the broker cannot be reached.
    """
    wanted = _wanted(topics, prefix)
    created: list[str] = []
    deadline = time.monotonic() + SETTLE_S
    async with _admin(bootstrap) as admin:
        while time.monotonic() < deadline:
            counts = await _partition_counts(admin, wanted)
            wrong = {name: count for name, count in counts.items() if wanted[name].refuses(count)}
            if wrong:
                await _replace_or_refuse(admin, wrong, wanted, volatile=volatile)
            missing = [name for name in wanted if name not in counts]
            if not wrong and not missing:
                return created
            names = [*missing, *wrong]
            created += await _create(admin, {n: wanted[n] for n in names}, replication)
            await asyncio.sleep(SETTLE_POLL_S if created else 0)
    raise Unavailable(f"the broker at {bootstrap} has not settled its topics for {SETTLE_S:g} s")


def _wanted(topics: Iterable[Topic], prefix: str) -> dict[str, _Wanted]:
    wanted: dict[str, _Wanted] = {}
    for topic in topics:
        wanted[physical(topic.name, prefix)] = _Wanted(topic.partitions, topic.config())
        if topic.dead_letter:
            kept = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
            wanted[physical(topic.dlq, prefix)] = _Wanted(1, kept, any_count=True)
    return wanted


async def _partition_counts(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, int]:
    """Return the partition counts of those that exist; asking by name could create them."""
    existing = set(await admin.list_topics())
    known = [name for name in names if name in existing]
    if not known:
        return {}
    return {row["topic"]: len(row["partitions"]) for row in await admin.describe_topics(known)}


async def _replace_or_refuse(
    admin: AIOKafkaAdminClient,
    wrong: Mapping[str, int],
    wanted: Mapping[str, _Wanted],
    *,
    volatile: bool,
) -> None:
    if volatile:
        log.warning("replacing topics that the broker made up", topics=sorted(wrong))
        await admin.delete_topics(list(wrong))
        return
    name, count = next(iter(wrong.items()))
    raise ConfigError(
        f"topic {name} has {count} partitions and must have {wanted[name].partitions}: another "
        "number would break the order per key; move its records to a new topic or correct it"
    )


async def _create(
    admin: AIOKafkaAdminClient, topics: Mapping[str, _Wanted], replication: int
) -> list[str]:
    requests = [
        NewTopic(name, topic.partitions, replication, topic_configs=dict(topic.config))
        for name, topic in topics.items()
    ]
    answer = await admin.create_topics(requests)
    created: list[str] = []
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError and not error.retriable:
            reason = message[0] if message and message[0] else error.__name__
            raise ConfigError(f"the broker refuses to create topic {name}: {reason}")
    return created


async def cluster_id(bootstrap: str) -> str:
    """Return the identity of the broker's cluster; a broker that forgot everything has a new one.

    Raises:
        aiokafka.errors.KafkaError: the broker cannot be reached.
    """
    async with _admin(bootstrap) as admin:
        return str((await admin.describe_cluster())["cluster_id"])


async def end_offsets(bootstrap: str, name: str) -> dict[int, int]:
    """Return the next offset of each partition of the topic ``name`` (as it is on the broker).

    The embedded broker answers with the offset after the *first* record of the last batch.

    Returns:
        Partition to offset; empty when there is no such topic.

    Raises:
        aiokafka.errors.KafkaError: the broker cannot be reached.
    """
    async with _admin(bootstrap) as admin:
        counts = await _partition_counts(admin, [name])
    partitions = [TopicPartition(name, number) for number in range(counts.get(name, 0))]
    if not partitions:
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    return {tp.partition: offset for tp, offset in ends.items()}


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
