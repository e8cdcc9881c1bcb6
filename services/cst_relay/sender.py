"""The sender: from the queue to the topic, one batch per partition and round.

A round is a prefix of the queue. All of it must be acknowledged before the next one is sent: if a
later batch of a partition could arrive after an earlier one failed, a key's records would change
places. The checkpoint moves when the outlet has made rounds final.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import RecordMetadata, TopicPartition

from cst_relay.checkpoint import CheckpointKeeper
from cst_relay.domain.records import Position, Record
from cst_relay.errors import BrokerForgot, DeliveryTimeout
from cst_relay.metrics import RelayMetrics
from cst_relay.outlet import Outlet
from cst_relay.queue import EntryQueue

#: Keys whose partition is remembered.
_REMEMBERED = 200_000


@dataclass(slots=True)
class _Round:
    """A batch per partition, and the position reached once all are acknowledged.

    ``whole``: it ends with the end of a change.
    """

    batches: dict[TopicPartition, Any] = field(default_factory=dict)
    position: Position | None = None
    records: int = 0
    dead: int = 0
    whole: bool = True


@dataclass(slots=True)
class _Acknowledged:
    """What was acknowledged since the last commit: the end of it, and where its batches begin."""

    position: Position | None = None
    offsets: dict[int, int] = field(default_factory=dict)
    records: int = 0
    dead: int = 0
    empty: bool = True
    whole: bool = True

    def add(self, current: _Round, offsets: Mapping[int, int]) -> None:
        self.position = current.position or self.position
        self.offsets |= offsets
        self.records += current.records
        self.dead += current.dead
        self.empty, self.whole = False, current.whole


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a feed's records go.

    Attributes:
        topic: its name on the broker.
        partitions: how many it has.
        dlq: name of its dead-letter topic, which has one partition.
        offsets: next offset of each partition when the sender begins.
    """

    topic: str
    partitions: int
    dlq: str
    offsets: Mapping[int, int]

    def chooser(self) -> Callable[[bytes], TopicPartition]:
        """Return the partition of a key, as every Kafka client computes it, remembered."""
        partitioner, numbers = DefaultPartitioner(), list(range(self.partitions))
        targets = [TopicPartition(self.topic, number) for number in numbers]

        @lru_cache(maxsize=_REMEMBERED)
        def choose(key: bytes) -> TopicPartition:
            return targets[partitioner(key, numbers, numbers)]

        return choose


class Sender:
    """Sends what is queued and moves the checkpoint behind it.

    Args:
        guard: raises where this relay may not send any more.
        timeout_s: how long a round may take.
    """

    def __init__(
        self,
        outlet: Outlet,
        queue: EntryQueue,
        destination: Destination,
        keeper: CheckpointKeeper,
        metrics: RelayMetrics,
        *,
        guard: Callable[[], None],
        timeout_s: float,
    ) -> None:
        self._outlet = outlet
        self._acknowledged = _Acknowledged()
        self._queue = queue
        self._destination = destination
        self._partition = destination.chooser()
        self._dead = TopicPartition(destination.dlq, 0)
        self._keeper = keeper
        self._metrics = metrics
        self._guard = guard
        self._timeout_s = timeout_s
        self._next_offsets = {
            TopicPartition(destination.topic, number): offset
            for number, offset in destination.offsets.items()
        }

    async def run(self) -> None:
        """Send until the queue is closed and empty.

        Raises:
            DeliveryTimeout: the broker has not acknowledged a round in time.
            BrokerForgot: the broker numbers records from the start again.
            aiokafka.errors.KafkaError: it refused a batch; nothing after it was sent.
        """
        while await self._queue.wait(self._patience_s()):
            self._guard()
            if self._queue.first() is not None:
                await self._send(self._build())
            # A commit in the middle of a change would end before it, so its records came twice.
            if self._acknowledged.whole and self._outlet.due_in_s() <= 0:
                await self._commit()
        await self._commit()

    def _patience_s(self) -> float | None:
        """How long to wait for more before what was acknowledged must be committed."""
        return None if self._acknowledged.empty else self._outlet.due_in_s()

    async def _send(self, current: _Round) -> None:
        if current.batches:
            await self._outlet.begin()
        self._acknowledged.add(current, await self._deliver(current))

    async def _commit(self) -> None:
        done = self._acknowledged
        if done.empty:
            return
        position = done.position and done.position.aware()
        checkpoint = self._keeper.checkpoint.acknowledged(position, done.offsets, done.records)
        await self._outlet.commit(checkpoint)
        self._acknowledged = _Acknowledged()
        self._keeper.moved_to(checkpoint)
        self._metrics.acknowledged(position, done.records, done.dead)

    def _build(self) -> _Round:
        """Take entries out of the queue until it is empty or a batch is full."""
        current, queue, now = _Round(), self._queue, int(time.time() * 1000)
        while (entry := queue.first()) is not None:
            if entry.record is not None and not self._add(current, entry.record, now):
                break
            if entry.position is not None:
                current.position = entry.position
            current.whole = not entry.more
            queue.pop()
        return current

    def _add(self, current: _Round, record: Record, now: int) -> bool:
        target = self._dead if record.dead else self._partition(record.key)
        batch = current.batches.get(target)
        if batch is None:
            batch = current.batches[target] = self._outlet.producer.create_batch()
        added = batch.append(
            timestamp=now, key=record.key, value=record.value, headers=record.headers
        )
        if added is None:
            return False
        current.records += 1
        current.dead += record.dead
        return True

    async def _deliver(self, current: _Round) -> Mapping[int, int]:
        """Send a round and wait until all is acknowledged; return where its batches lie."""
        sent: dict[asyncio.Future[RecordMetadata], int] = {}
        for target, batch in current.batches.items():
            batch.close()
            future = await self._outlet.producer.send_batch(
                batch, target.topic, partition=target.partition
            )
            future.add_done_callback(_look_at)
            sent[future] = batch.record_count()
        await self._acknowledgements(sent)
        placed = (future.result() for future in sent)
        return {
            metadata.partition: metadata.offset
            for metadata in placed
            if metadata.topic == self._destination.topic and metadata.offset >= 0
        }

    async def _acknowledgements(self, sent: Mapping[asyncio.Future[RecordMetadata], int]) -> None:
        if not sent:
            return
        done, pending = await asyncio.wait(
            sent, timeout=self._timeout_s, return_when=asyncio.FIRST_EXCEPTION
        )
        for future in done:
            self._note(future.result(), sent[future])
        if pending:
            raise DeliveryTimeout(f"no acknowledgement within {self._timeout_s:g} s")

    def _note(self, metadata: RecordMetadata, count: int) -> None:
        if metadata.offset < 0:  # the broker had it already and does not say where
            return
        target = metadata.topic_partition
        expected = self._next_offsets.get(target, 0)
        if metadata.offset < expected:
            raise BrokerForgot(
                f"{target.topic}-{target.partition} went from {expected} back to {metadata.offset}"
            )
        self._next_offsets[target] = metadata.offset + count


def _look_at(future: asyncio.Future[RecordMetadata]) -> None:
    """Take note of an error that nobody waits for any more, lest it be logged as forgotten."""
    if not future.cancelled():
        future.exception()
