"""The embedded broker forgets when it restarts; what survives it must not lead its successors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from bus_kit import publish

from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.settings import Settings, load_settings
from cst_process.core import Core, open_core
from cst_process.worker import Subscription, Work, run_work
from cst_stack import Endpoints
from cst_testkit.cities import load_new_york
from cst_testkit.consumers import CountingHandler, story
from cst_testkit.databases import fresh_database
from cst_testkit.waiting import wait_until

REQUESTS = [f"CST-2026-{number:04d}" for number in range(1, 13)]
PREFIX = "incarnation."


@pytest.fixture
async def core(stack: Endpoints) -> AsyncIterator[Core]:
    if stack.broker != "tansu":
        pytest.skip("this broker keeps its records")
    async with fresh_database(stack.mongo_uri) as db:
        await load_new_york(db)
        settings = load_settings(
            Settings,
            _env_file=None,
            mongo_uri=stack.mongo_uri,
            mongo_db=db.name,
            kafka=stack.kafka_bootstrap_servers,
            kafka_idempotent=False,
            topic_prefix=PREFIX,
        )
        async with open_core(settings, "test") as opened:
            yield opened


async def _commit_as_a_survivor(stack: Endpoints, group: str) -> None:
    """Say to the broker that a group has had the first records of each partition."""
    topic = physical(REQUEST_EVENTS.name, PREFIX)
    survivor = AIOKafkaConsumer(
        bootstrap_servers=stack.kafka_bootstrap_servers, group_id=group, enable_auto_commit=False
    )
    await survivor.start()
    try:
        places = [TopicPartition(topic, number) for number in range(REQUEST_EVENTS.partitions)]
        survivor.assign(places)
        await survivor.commit(dict.fromkeys(places, 2))
    finally:
        await survivor.stop()


async def test_a_worker_begins_at_the_start_whatever_a_survivor_has_committed(
    stack: Endpoints, core: Core
) -> None:
    await ensure_topics(
        stack.kafka_bootstrap_servers, [REQUEST_EVENTS], prefix=PREFIX, volatile=True
    )
    await publish(stack, PREFIX, [record for request in REQUESTS for record in story(request)])
    handler = CountingHandler(core.db, "survived")
    await _commit_as_a_survivor(stack, PREFIX + handler.name)
    stop = asyncio.Event()
    working = asyncio.create_task(
        run_work(core, [Work([Subscription(REQUEST_EVENTS, handler)])], stop)
    )
    everything = {(request, seq) for request in REQUESTS for seq in range(3)}

    async def all_there() -> bool:
        return await handler.effects() == everything

    try:
        await wait_until(all_there, 60, "every effect")
    finally:
        stop.set()
        await working
