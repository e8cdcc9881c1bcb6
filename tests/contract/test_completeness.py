"""Nothing is left out: each of these fails when something new has no contract yet."""

from pathlib import Path

import pytest
from contract_kit import CONTRACTS, deliver
from contract_kit import examples as examples_of
from faststream import AckPolicy
from faststream.kafka.subscriber.usecase import BatchSubscriber

from app.registry import WORKERS
from cst_bus.broker import make_broker, subscribe
from cst_bus.processor import Processor
from cst_bus.states import StateProcessor
from cst_cli.contracts.subscriptions import Consumer, consumers
from cst_contracts.events import EVENTS
from cst_contracts.topics import REQUEST_EVENTS, REQUEST_PUBLIC, TOPICS, Topic
from cst_ledger.ownership import MAY_CHANGE, STATUS_OF
from cst_process.core import Core
from cst_testkit.records import RecordingDeadLetters

SERVICES = CONTRACTS.parent / "services"
CONSUMERS = consumers()
OF_EVENTS = [consumer for consumer in CONSUMERS if consumer.types]
#: Event types that say something happened and change no field of the request.
CHANGE_NOTHING = {
    "agent_reserved",
    "agent_released",
    "notice_acknowledged",
    "notice_repeated",
    "duplicate_suggested",
    "duplicate_refused",
    "comment",
}


def _services() -> set[str]:
    consuming = {path.parent.name for path in SERVICES.glob("*/consumers.py")}
    producing = {f"cst_{service}" for spec in EVENTS.values() for service in spec.producers}
    return {name.removeprefix("cst_") for name in consuming | producing | {"cst_relay"}}


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.name)
def test_what_is_consumed_is_an_event_that_somebody_writes(consumer: Consumer) -> None:
    assert bool(consumer.types) == (consumer.topic == REQUEST_EVENTS)
    for name in consumer.types:
        assert name in EVENTS, f"{consumer.name} wants {name}, which is no event"
        assert EVENTS[name].producers, f"{consumer.name} wants {name}, which nobody writes"
    assert consumer.topic in TOPICS


def test_consumers_are_named_once_and_every_consumers_file_is_registered() -> None:
    names = [consumer.name for consumer in CONSUMERS]
    assert len(names) == len(set(names))
    files = {path.parent.name.removeprefix("cst_") for path in SERVICES.glob("*/consumers.py")}
    assert {consumer.service for consumer in CONSUMERS} == files


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_a_schema_and_an_example(name: str) -> None:
    assert (CONTRACTS / "schemas" / EVENTS[name].file).is_file()
    assert examples_of(name)


@pytest.mark.parametrize("name", EVENTS)
def test_every_producer_is_a_service(name: str) -> None:
    for producer in EVENTS[name].producers:
        assert (SERVICES / f"cst_{producer}").is_dir(), producer


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_but_that_for_outsiders_has_a_dead_letter_topic(topic: Topic) -> None:
    assert topic.dead_letter == (topic is not REQUEST_PUBLIC)
    assert topic.names == ((topic.name, topic.dlq) if topic.dead_letter else (topic.name,))


def test_every_event_that_changes_fields_is_in_the_table_of_owners() -> None:
    assert MAY_CHANGE.keys() | CHANGE_NOTHING == EVENTS.keys()
    assert MAY_CHANGE.keys().isdisjoint(CHANGE_NOTHING)
    assert STATUS_OF.keys() <= MAY_CHANGE.keys()


@pytest.mark.parametrize("service", sorted(_services()))
def test_every_service_has_contract_tests(service: str) -> None:
    tests = list((Path(__file__).parent / service).glob("test_*.py"))
    assert any("def test_" in path.read_text(encoding="utf-8") for path in tests), service


async def test_every_subscriber_loses_nothing(core: Core) -> None:
    broker = make_broker("nowhere.invalid:9092")
    dead = RecordingDeadLetters()
    for work in [worker.build(core) for worker in WORKERS.values()]:
        for sub in work.subscriptions:
            processor = Processor(core.db, sub.handler, dead, marks=sub.marks)
            subscribe(broker, sub.topic, processor, group=sub.handler.name, prefix="")
        for watch in work.watches:
            watching = StateProcessor(watch.handler, dead)
            subscribe(broker, watch.topic, watching, group=watch.handler.name, prefix="")
    assert len(broker.subscribers) == len(CONSUMERS)
    assert broker.config.broker_config.allow_auto_create_topics is False
    groups = set()
    for subscriber in broker.subscribers:
        assert isinstance(subscriber, BatchSubscriber)
        assert subscriber.ack_policy in {AckPolicy.NACK_ON_ERROR, AckPolicy.MANUAL}
        options = subscriber._connection_args
        assert options["auto_offset_reset"] == "earliest"
        assert options["enable_auto_commit"] is False
        assert len(subscriber.topics) == 1
        groups.add(subscriber.group_id)
    assert groups == {consumer.name for consumer in CONSUMERS}


@pytest.mark.parametrize("consumer", OF_EVENTS, ids=lambda consumer: consumer.name)
async def test_an_event_of_a_type_nobody_knows_is_passed_over(
    core: Core, consumer: Consumer
) -> None:
    event = examples_of("created")[0] | {"type": "cst.request.teleported"}
    assert await deliver(core, consumer.name, event) is None
    assert consumer.topic == REQUEST_EVENTS
