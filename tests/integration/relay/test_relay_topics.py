"""Topics are created as declared; what differs is refused or, on the embedded broker, replaced."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from relay_world import World

from cst_bus.producer import make_producer
from cst_bus.topics_admin import cluster_id, end_offsets, ensure_topics, physical
from cst_contracts.topics import Topic
from cst_core.errors import ConfigError

TOPIC = Topic("things.v1", key="id", description="test", partitions=3)


async def test_topics_are_created_once(world: World) -> None:
    bootstrap, prefix = world.endpoints.kafka_bootstrap_servers, f"{world.db.name}.a."
    created = await ensure_topics(bootstrap, [TOPIC], prefix=prefix)
    assert sorted(created) == [f"{prefix}things.v1", f"{prefix}things.v1.dlq"]
    assert await ensure_topics(bootstrap, [TOPIC], prefix=prefix) == []
    assert await end_offsets(bootstrap, physical(TOPIC.name, prefix)) == {0: 0, 1: 0, 2: 0}
    assert await end_offsets(bootstrap, physical(TOPIC.dlq, prefix)) == {0: 0}


async def test_looking_at_a_missing_topic_does_not_create_it(world: World) -> None:
    bootstrap, name = world.endpoints.kafka_bootstrap_servers, f"{world.db.name}.missing"
    assert await end_offsets(bootstrap, name) == {}
    assert await end_offsets(bootstrap, name) == {}


async def test_another_number_of_partitions_is_refused_or_replaced(world: World) -> None:
    bootstrap, prefix = world.endpoints.kafka_bootstrap_servers, f"{world.db.name}.b."
    name = physical(TOPIC.name, prefix)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1)])
    await admin.close()
    with pytest.raises(ConfigError, match="has 2 partitions and must have 3"):
        await ensure_topics(bootstrap, [TOPIC], prefix=prefix)
    assert name in await ensure_topics(bootstrap, [TOPIC], prefix=prefix, volatile=True)
    assert len(await end_offsets(bootstrap, name)) == 3


async def test_the_cluster_has_an_identity(world: World) -> None:
    bootstrap = world.endpoints.kafka_bootstrap_servers
    assert await cluster_id(bootstrap) == await cluster_id(bootstrap) != ""


async def test_end_offsets_move_with_what_is_sent(world: World) -> None:
    bootstrap, prefix = world.endpoints.kafka_bootstrap_servers, f"{world.db.name}.c."
    await ensure_topics(bootstrap, [TOPIC], prefix=prefix)
    name = physical(TOPIC.name, prefix)
    producer = make_producer(bootstrap, idempotent=world.settings().kafka_idempotent)
    await producer.start()
    for _ in range(2):
        await producer.send_and_wait(name, b"x", partition=1)
    await producer.stop()
    assert await end_offsets(bootstrap, name) == {0: 0, 1: 2, 2: 0}
