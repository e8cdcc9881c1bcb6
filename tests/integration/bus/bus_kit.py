"""Records onto a topic, consumers over it, and what has become of both."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from cst_bus.broker import make_broker, subscribe
from cst_bus.dead_letter_topic import DeadLetter, read_dead_letters
from cst_bus.dead_letters import DeadLetters
from cst_bus.marks import Marks
from cst_bus.processor import Handler, Processor
from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.reader import events_of
from cst_ledger.seal import BUCKET_SIZE
from cst_mongo.client import Database
from cst_stack import Endpoints
from cst_testkit.records import Record

PROGRAM = Path(__file__).with_name("consumer_process.py")
#: What a test's own producer may send; a consumer's dead-letter producer may not.
HUGE = 20_000_000


async def publish(stack: Endpoints, prefix: str, records: Sequence[Record]) -> None:
    """Send records with their keys and headers, one after another."""
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.kafka_bootstrap_servers,
        compression_type="lz4",
        max_request_size=HUGE,
    )
    await producer.start()
    try:
        topic = physical(REQUEST_EVENTS.name, prefix)
        for record in records:
            if record.key is None:  # as a batch: the client refuses what has no value either
                batch = producer.create_batch()
                batch.append(key=None, value=record.value, timestamp=None)
                await (await producer.send_batch(batch, topic, partition=0))
                continue
            await producer.send_and_wait(
                topic, key=record.key, value=record.value, headers=list(record.headers)
            )
    finally:
        await producer.stop()


async def own_topics(stack: Endpoints) -> str:
    """Make topics that nobody else has; return what is put before their names."""
    own = f"{uuid.uuid4().hex[:8]}."
    await ensure_topics(
        stack.kafka_bootstrap_servers,
        [REQUEST_EVENTS],
        prefix=own,
        volatile=stack.broker == "tansu",
    )
    return own


@asynccontextmanager
async def ending_soon(db: Database) -> AsyncIterator[None]:
    """A killed process leaves its transaction open; let the server end it after two seconds."""
    name, admin = "transactionLifetimeLimitSeconds", db.client.admin
    before = (await admin.command({"getParameter": 1, name: 1}))[name]
    await admin.command({"setParameter": 1, name: 2})
    try:
        yield
    finally:
        await admin.command({"setParameter": 1, name: before})


@asynccontextmanager
async def consuming(
    stack: Endpoints, db: Database, prefix: str, handler: Handler, marks: Marks | None = None
) -> AsyncIterator[Processor]:
    """Run a consumer with ``handler`` for the length of the block."""
    producer = make_producer(stack.kafka_bootstrap_servers, idempotent=False)
    await producer.start()
    broker = make_broker(stack.kafka_bootstrap_servers)
    processor = Processor(db, handler, DeadLetters(producer), marks=marks)
    subscribe(broker, REQUEST_EVENTS, processor, group=handler.name, prefix=prefix)
    await broker.start()
    try:
        yield processor
    finally:
        await broker.stop()
        await producer.stop()


async def dead_letters(stack: Endpoints, prefix: str) -> list[DeadLetter]:
    """Return what lies on the dead-letter topic."""
    topic = physical(REQUEST_EVENTS.dlq, prefix)
    return [letter async for letter in read_dead_letters(stack.kafka_bootstrap_servers, topic)]


@asynccontextmanager
async def consumer_process(
    stack: Endpoints, db: Database, prefix: str, where: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``consumer_process.py`` for the length of the block."""
    arguments = [stack.mongo_uri, db.name, stack.kafka_bootstrap_servers, prefix, where]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def says(process: asyncio.subprocess.Process, word: str) -> None:
    """Wait for a word of a consumer's process."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 60)
    assert line.decode().strip() == word


async def lengthen(db: Database, request_id: str, *, buckets: int) -> int:
    """Repeat a request's last event until it fills some buckets; return the last ``seq``."""
    request = await db[REQUESTS.name].find_one({"request_id": request_id})
    assert request is not None
    events = await events_of(db, request["_id"])
    more = [events[-1] | {"seq": seq} for seq in range(len(events), buckets * BUCKET_SIZE)]
    whole = [*events, *more]
    await db[LOGS.name].delete_many({"request_id": request["_id"]})
    for number in range(buckets):
        part = whole[number * BUCKET_SIZE : (number + 1) * BUCKET_SIZE]
        log = {"event_stream": part, "last_seq": part[-1]["seq"], "updated_at": part[0]["at"]}
        await db[LOGS.name].insert_one({"request_id": request["_id"], "bucket": number, **log})
    return len(whole) - 1
