"""When records count as delivered: once acknowledged, or once their transaction is committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from aiokafka import AIOKafkaProducer

from cst_bus.producer import abort, make_producer, start_pinned
from cst_relay.checkpoint import Checkpoint
from cst_relay.journal import CheckpointJournal
from cst_relay.settings import RelaySettings

ABORT_S = 2.0


class Outlet(Protocol):
    """Stands between the sender's rounds and its checkpoint."""

    @property
    def producer(self) -> AIOKafkaProducer: ...

    async def begin(self) -> None:
        """Get ready for a round; called before each."""
        ...

    def due_in_s(self) -> float:
        """Return the seconds until what was acknowledged must be committed; 0 at once."""
        ...

    async def commit(self, checkpoint: Checkpoint) -> None:
        """Make everything since the last commit final; ``checkpoint`` is where it ends."""
        ...


class AcknowledgedOutlet:
    """What the broker has acknowledged is delivered (the embedded broker has no transactions)."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer

    async def begin(self) -> None:
        return

    def due_in_s(self) -> float:
        return 0.0

    async def commit(self, checkpoint: Checkpoint) -> None:
        return


class TransactionalOutlet:
    """Rounds within Kafka transactions, so that the broker itself shuts out a paused old leader.

    A transaction spans all rounds of ``interval_s``: readers of uncommitted records see each as
    soon as it is acknowledged, readers of committed ones at most so much later.

    Args:
        producer: a started one with the feed's transactional id.
        journal: keeps the checkpoint in Kafka, within the same transaction (exactly once); None
            where it is kept in MongoDB only (at least once).
        timeout_s: how long the broker may take to begin or to commit.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        journal: CheckpointJournal | None,
        *,
        interval_s: float,
        timeout_s: float,
    ) -> None:
        self.producer = producer
        self._journal = journal
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._began: float | None = None

    async def begin(self) -> None:
        if self._began is None:
            async with asyncio.timeout(self._timeout_s):
                await self.producer.begin_transaction()
            self._began = time.monotonic()

    def due_in_s(self) -> float:
        if self._began is None:
            return 0.0
        return max(0.0, self._began + self._interval_s - time.monotonic())

    async def commit(self, checkpoint: Checkpoint) -> None:
        if self._journal is not None:
            await self.begin()
            await self._journal.write(self.producer, checkpoint)
        if self._began is None:
            return
        async with asyncio.timeout(self._timeout_s):
            await self.producer.commit_transaction()
        self._began = None


@asynccontextmanager
async def open_outlet(
    settings: RelaySettings, feed: str, journal: CheckpointJournal | None
) -> AsyncIterator[Outlet]:
    """Open a feed's outlet; on Apache Kafka no earlier one of the feed can send any more.

    Raises:
        aiokafka.errors.KafkaError, TimeoutError: the broker cannot be reached.
    """
    transactional = settings.kafka_idempotent
    name = f"{settings.topic_prefix}cst-relay-{feed}"
    producer = make_producer(
        settings.kafka, idempotent=transactional, transactional_id=name if transactional else None
    )
    try:
        if not transactional:
            await start_pinned(producer)
            yield AcknowledgedOutlet(producer)
            return
        # It asks for its id until it gets one.
        async with asyncio.timeout(settings.delivery_timeout_s):
            await producer.start()
        yield TransactionalOutlet(
            producer,
            journal,
            interval_s=settings.commit_ms / 1000,
            timeout_s=settings.delivery_timeout_s,
        )
    finally:
        # Whatever is not final now is sent again by the next term, in order.
        await abort(producer, ABORT_S)
