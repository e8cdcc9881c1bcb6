"""The same on Apache Kafka, whose producer is idempotent and whose log stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from relay_world import World, new_world, relaying, viewing

from cst_bus.topics_admin import end_offsets
from cst_core.errors import ConfigError
from cst_relay.main import run_relay
from cst_stack import Endpoints

pytestmark = pytest.mark.kafka


@pytest.fixture
async def kafka_world(kafka_stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(kafka_stack) as made:
        yield made


async def test_every_event_arrives_in_order_and_once(kafka_world: World) -> None:
    world = kafka_world
    requests = [f"CST-2026-{number:04d}" for number in range(6)]
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await asyncio.gather(*(world.create(request) for request in requests))
        await asyncio.gather(*(world.append(r, times=5, each=4) for r in requests))
        await world.all_relayed(view)
        assert len(view.records) == sum(map(len, (await world.stored()).values()))


async def test_a_start_goes_on_where_the_last_one_ended(kafka_world: World) -> None:
    world = kafka_world
    async with relaying(world):
        await world.create("CST-2026-0001")
        await world.append("CST-2026-0001", times=3)
    await world.append("CST-2026-0001", times=3)
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
        assert len(view.records) == 7


async def test_a_topic_deleted_while_no_relay_runs_is_filled_again(kafka_world: World) -> None:
    world = kafka_world
    bootstrap = world.endpoints.kafka_bootstrap_servers
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create("CST-2026-0001", "CST-2026-0002")
        await world.all_relayed(view)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([world.topic])
    await admin.close()
    with pytest.raises(ConfigError, match="the broker has lost records"):
        await run_relay(world.settings(CST_RELAY_ON_HISTORY_LOST="fail"), asyncio.Event())
    assert sum((await end_offsets(bootstrap, world.topic)).values()) == 0
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
