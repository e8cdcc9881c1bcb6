"""The checkpoint in Kafka: a record in the transaction of the records it speaks of.

MongoDB keeps a copy, which may be behind: whichever has come further is right, since both are
written for committed records only.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition
from bson import json_util

from cst_bus.producer import REQUEST_TIMEOUT_MS
from cst_bus.topics_admin import physical
from cst_contracts.topics import Topic
from cst_relay.checkpoint import Checkpoint, from_row, to_row

CHECKPOINT_TOPIC = Topic(
    name="cst.relay.checkpoints.v1",
    key="feed",
    description="How far each feed has come; the relay's own.",
    partitions=16,
    compacted=True,
    dead_letter=False,
)
#: Offsets looked through at first, from the end; doubled until the feed's record is among them.
#: Each transaction takes two, one of them the broker's own mark.
_WINDOW = 16
_OPTIONS = json_util.CANONICAL_JSON_OPTIONS.with_options(tz_aware=True)


class CheckpointJournal:
    """One feed's checkpoints in ``CHECKPOINT_TOPIC``."""

    def __init__(self, bootstrap: str, prefix: str, feed: str) -> None:
        self._bootstrap = bootstrap
        self._key = feed.encode()
        number = zlib.crc32(self._key) % CHECKPOINT_TOPIC.partitions
        self._place = TopicPartition(physical(CHECKPOINT_TOPIC.name, prefix), number)

    async def write(self, producer: AIOKafkaProducer, checkpoint: Checkpoint) -> None:
        """Add a checkpoint to the transaction that ``producer`` is in."""
        value = json_util.dumps(to_row(checkpoint), json_options=_OPTIONS).encode()
        topic, partition = self._place
        await producer.send(topic, partition=partition, key=self._key, value=value)

    async def read(self) -> Checkpoint | None:
        """Return the last committed checkpoint; None where there is none.

        Call it when the feed's earlier producers are shut out: then nothing is added meanwhile.
        """
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            isolation_level="read_committed",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            enable_auto_commit=False,
        )
        await consumer.start()
        try:
            consumer.assign([self._place])
            return await self._last(consumer)
        finally:
            await consumer.stop()

    async def _last(self, consumer: AIOKafkaConsumer) -> Checkpoint | None:
        first = (await consumer.beginning_offsets([self._place]))[self._place]
        end = (await consumer.end_offsets([self._place]))[self._place]
        window, start = _WINDOW, end
        while start > first:
            start = max(first, end - window)
            consumer.seek(self._place, start)
            found = self._mine(await self._until(consumer, end))
            if found is not None:
                return found
            window *= 2
        return None

    async def _until(
        self, consumer: AIOKafkaConsumer, end: int
    ) -> list[ConsumerRecord[bytes, bytes]]:
        records: list[ConsumerRecord[bytes, bytes]] = []
        while await consumer.position(self._place) < end:
            for batch in (await consumer.getmany(self._place, timeout_ms=200)).values():
                records += batch
        return records

    def _mine(self, records: Iterable[ConsumerRecord[bytes, bytes]]) -> Checkpoint | None:
        values = [record.value for record in records if record.key == self._key]
        if not values or values[-1] is None:
            return None
        return from_row(json_util.loads(values[-1].decode(), json_options=_OPTIONS))


def later(*checkpoints: Checkpoint | None) -> Checkpoint | None:
    """Return the one that has come furthest; None where there is none."""
    known = [checkpoint for checkpoint in checkpoints if checkpoint is not None]
    return max(known, key=lambda found: (found.sent, found.moved_at), default=None)
