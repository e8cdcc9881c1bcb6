"""The consumer on a real broker: killed at the worst moments, each effect still happens once."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from cst_bus.broker import make_broker, subscribe
from cst_bus.dead_letters import DeadLetters
from cst_bus.processor import Processor
from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_mongo.client import Database
from cst_stack import Endpoints
from cst_testkit.consumers import CountingHandler, story
from cst_testkit.databases import fresh_database
from cst_testkit.records import Record, consumer_record
from cst_testkit.waiting import wait_until

PROGRAM = Path(__file__).with_name("consumer_process.py")
REQUESTS = [f"CST-2026-{number:04d}" for number in range(1, 41)]


@pytest.fixture
async def own_db(stack: Endpoints) -> AsyncIterator[Database]:
    async with fresh_database(stack.mongo_uri) as db:
        yield db


@pytest.fixture
async def prefix(stack: Endpoints) -> str:
    """Topics of this test's own."""
    own = f"{uuid.uuid4().hex[:8]}."
    await ensure_topics(
        stack.kafka_bootstrap_servers,
        [REQUEST_EVENTS],
        prefix=own,
        volatile=stack.broker == "tansu",
    )
    return own


async def publish(stack: Endpoints, prefix: str, records: list[Record]) -> None:
    producer = make_producer(stack.kafka_bootstrap_servers, idempotent=False)
    await producer.start()
    for record in records:
        topic = physical(REQUEST_EVENTS.name, prefix)
        await producer.send(topic, key=record.key, value=record.value)
    await producer.stop()


@asynccontextmanager
async def consumer_process(
    stack: Endpoints, db: Database, prefix: str, where: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = [stack.mongo_uri, db.name, stack.kafka_bootstrap_servers, prefix, where]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def short_transactions(own_db: Database) -> AsyncIterator[None]:
    """A killed process leaves its transaction open; the server ends it after this time."""
    name, admin = "transactionLifetimeLimitSeconds", own_db.client.admin
    before = (await admin.command({"getParameter": 1, name: 1}))[name]
    await admin.command({"setParameter": 1, name: 2})
    yield
    await admin.command({"setParameter": 1, name: before})


@pytest.mark.usefixtures("short_transactions")
@pytest.mark.parametrize("where", ["within", "after"])
async def test_a_consumer_killed_in_the_middle_of_a_batch_has_each_effect_once(
    stack: Endpoints, own_db: Database, prefix: str, where: str
) -> None:
    await publish(stack, prefix, [record for request in REQUESTS for record in story(request)])
    async with consumer_process(stack, own_db, prefix, where) as process:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line == b"stopped\n"
        process.kill()
    effects = CountingHandler(own_db, "killed").effects
    before = await effects()
    assert before
    assert where == "after" or len(before) < 3 * len(REQUESTS)
    async with consumer_process(stack, own_db, prefix, "nowhere"):
        everything = {(request, seq) for request in REQUESTS for seq in range(3)}

        async def all_there() -> bool:
            return await effects() == everything

        await wait_until(all_there, timeout=60, what="every effect")


async def test_what_cannot_be_handled_lands_on_the_dead_letter_topic_with_its_story(
    stack: Endpoints, own_db: Database, prefix: str
) -> None:
    poisoned, fine = REQUESTS[:2]
    broken = consumer_record(poisoned.encode(), b"{not json")
    await publish(stack, prefix, [broken, *story(poisoned), *story(fine)])
    producer = make_producer(stack.kafka_bootstrap_servers, idempotent=False)
    await producer.start()
    handler = CountingHandler(own_db, "dead-letters")
    broker = make_broker(stack.kafka_bootstrap_servers)
    processor = Processor(own_db, handler, DeadLetters(producer))
    subscribe(broker, REQUEST_EVENTS, processor, group=handler.name, prefix=prefix)
    reader = AIOKafkaConsumer(
        physical(REQUEST_EVENTS.dlq, prefix),
        bootstrap_servers=stack.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await broker.start()
    await reader.start()
    try:
        dead = [await asyncio.wait_for(reader.getone(), 30) for _ in range(4)]

        async def fine_done() -> bool:
            return await handler.effects() == {(fine, seq) for seq in range(3)}

        await wait_until(fine_done, what="the other request's effects")
    finally:
        await reader.stop()
        await broker.stop()
        await producer.stop()
    assert {record.key for record in dead} == {poisoned.encode()}
    assert dead[0].value == b"{not json"
    headers = dict(dead[0].headers)
    assert headers["cst_dlq_consumer"] == b"dead-letters"
    assert headers["cst_dlq_topic"] == physical(REQUEST_EVENTS.name, prefix).encode()
    assert b"ValidationError" in headers["cst_dlq_error"]
    assert headers["cst_dlq_offset"].isdigit()
    assert [dict(record.headers)["cst_dlq_error"] for record in dead[1:]] == [
        b"its request is parked"
    ] * 3
