"""Records that should not be in a topic: copies of old ones, and what nobody can read."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from cst_bus.producer import make_producer, sendable_key
from cst_contracts.topics import Topic
from cst_testkit.waiting import wait_until

T = TypeVar("T")

#: Header of every record that was put in here; its value says what it is.
MARK = "cst_injected"
COPY, MALFORMED = b"copy", b"malformed"
COPIES = 20
BROKER_S = 90.0


def _bytes(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 200))


def _half(rng: random.Random) -> bytes:
    return b'{"specversion": "1.0", "id": "' + rng.randbytes(4).hex().encode()


def _event(**wrong: object) -> bytes:
    right = {
        "specversion": "1.0",
        "id": "00000000-0000-7000-8000-000000000000",
        "source": "/cst/new-york/nobody",
        "type": "cst.request.created",
        "subject": "CST-1999-0001",
        "time": "2026-03-03T17:00:00Z",
        "dataschema": "/schemas/cst.request.created.v1.json",
        "seq": 0,
        "version": 1,
        "data": {},
    }
    return json.dumps(right | wrong).encode()


#: What nobody can read as an event of a request.
_BODIES: tuple[Callable[[random.Random], bytes | None], ...] = (
    _bytes,
    _half,
    lambda rng: None,
    lambda rng: b"",
    lambda rng: b"[1, 2, 3]",
    lambda rng: b"null",
    lambda rng: _event(seq="seven"),
    lambda rng: _event(seq=-rng.randint(1, 9)),
    lambda rng: _event(subject="Robert'); DROP TABLE"),
    lambda rng: _event(time="yesterday"),
    lambda rng: _event(data="text"),
)


def malformed(rng: random.Random) -> tuple[bytes | None, bytes | None]:
    """Return key and body of a record that no consumer can read; no real request has its key."""
    key = rng.choice([None, b"", rng.randbytes(8), b"CST-1999-%04d" % rng.randint(1, 9999)])
    body = rng.choice(_BODIES)(rng)
    return sendable_key(key, body), body


class Vandal:
    """Puts such records into one topic; waits while the broker is away."""

    def __init__(self, bootstrap: str, topic: Topic, producer: AIOKafkaProducer) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._producer = producer
        #: Numbers of the malformed records that the broker has acknowledged.
        self.acknowledged: set[int] = set()

    async def spoil(self, number: int, seed: int) -> None:
        """Send a malformed record under ``number``."""
        key, body = malformed(random.Random(seed))
        await self._send(key, body, MALFORMED, number, None)
        self.acknowledged.add(number)

    async def repeat(self, number: int, seed: int) -> int:
        """Send some of the topic's records again, to their partition; return how many."""
        rng = random.Random(seed)
        records = await self._some(rng)
        for record in records:
            await self._send(record.key, record.value, COPY, number, record)
        return len(records)

    async def _some(self, rng: random.Random) -> list[ConsumerRecord[bytes, bytes]]:
        """Return records in a row from anywhere in a partition, in random order."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, isolation_level="read_committed"
        )
        try:
            await _insist(consumer.start, "the broker, to read from it")
            chosen = TopicPartition(self._topic.name, rng.randrange(self._topic.partitions))
            consumer.assign([chosen])
            ends = await _insist(lambda: consumer.end_offsets([chosen]), "its last offset")
            if not ends[chosen]:
                return []
            consumer.seek(chosen, rng.randrange(ends[chosen]))
            got = await consumer.getmany(chosen, timeout_ms=2_000, max_records=COPIES)
            records = list(got.get(chosen, []))
        finally:
            await consumer.stop()
        rng.shuffle(records)
        # A copy of a malformed record would be one more malformed record.
        return [r for r in records if MARK not in dict(r.headers)]

    async def _send(
        self,
        key: bytes | None,
        body: bytes | None,
        what: bytes,
        number: int,
        of: ConsumerRecord[bytes, bytes] | None,
    ) -> None:
        headers = [*(of.headers if of else ()), (MARK, what), (f"{MARK}_no", b"%d" % number)]
        partition = of.partition if of else None

        async def sent() -> bool:
            await self._producer.send_and_wait(
                self._topic.name, key=key, value=body, headers=headers, partition=partition
            )
            return True

        await _insist(sent, "the broker, to write to it")


async def _insist(call: Callable[[], Awaitable[T]], what: str) -> T:
    """Await ``call`` until the broker lets it succeed, and return its result."""

    async def done() -> list[T]:
        try:
            return [await call()]
        except (KafkaError, OSError, TimeoutError):
            return []

    return (await wait_until(done, BROKER_S, what))[0]


@asynccontextmanager
async def vandal(bootstrap: str, topic: Topic) -> AsyncIterator[Vandal]:
    """Open a vandal of ``topic`` on Apache Kafka."""
    producer = make_producer(bootstrap, idempotent=True)
    await producer.start()
    try:
        yield Vandal(bootstrap, topic, producer)
    finally:
        await producer.stop()
