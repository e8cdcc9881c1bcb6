"""Apache Kafka as the stack's broker: what the embedded one cannot do, and its data's life."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from cst_stack import Home, StackError, restart_broker, status, up
from cst_testkit.stacks import require_apache_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def apache_kafka() -> None:
    require_apache_kafka()


def test_exactly_once_producers_and_data_that_survives(home: Home) -> None:
    endpoints = up(home, broker="kafka", mongo_port=0, kafka_port=0)
    servers = endpoints.kafka_bootstrap_servers
    with pytest.raises(StackError, match="runs kafka; stop it with `cst down`"):
        up(home, broker="tansu")
    asyncio.run(_produce(servers))
    cluster = status(home).parts[1].detail
    assert cluster.startswith("Apache Kafka, cluster ")

    assert restart_broker(home) == endpoints
    assert status(home).parts[1].detail == cluster
    assert asyncio.run(_read_committed(servers, 2)) == [b"idempotent", b"committed"]


def test_no_topic_is_created_by_asking_for_it(home: Home) -> None:
    servers = up(home, broker="kafka", mongo_port=0, kafka_port=0).kafka_bootstrap_servers
    assert asyncio.run(_topics_after_asking_for(servers, "missing")) == []


def test_kafka_log_is_readable(home: Home) -> None:
    up(home, broker="kafka", mongo_port=0, kafka_port=0)
    log = (home.logs / "kafka.log").read_text()
    assert "Kafka Server started" in log
    assert "SLF4J" not in log


async def _produce(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic("events", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True) as producer:
        await producer.send_and_wait("events", b"idempotent")
    async with AIOKafkaProducer(bootstrap_servers=servers, transactional_id="t") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait("events", b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait("events", b"committed")


async def _read_committed(servers: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    async with consumer, asyncio.timeout(60):
        consumer.assign([TopicPartition("events", 0)])
        return [(await consumer.getone()).value for _ in range(count)]


async def _topics_after_asking_for(servers: str, topic: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await admin.describe_topics([topic])
        return await admin.list_topics()
    finally:
        await admin.close()
