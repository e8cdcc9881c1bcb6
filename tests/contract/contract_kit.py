"""What contract tests share: committed schemas and examples, what a service wrote, deliveries."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from app.registry import WORKERS
from cst_bus.marks import CollectionMarks, Mark
from cst_bus.processor import Processor
from cst_cli.contracts.subscriptions import consumers
from cst_contracts.events import EVENTS, RequestEvent
from cst_contracts.messages import MessageSpec
from cst_ledger.ledger import LOGS
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.worker import Subscription
from cst_testkit.records import RecordingDeadLetters, consumer_record, record_of

CONTRACTS = Path(__file__).parents[2] / "contracts"

Event = dict[str, Any]


@cache
def _validator(file: str) -> Draft202012Validator:
    text = (CONTRACTS / "schemas" / file).read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


def _examples(file: str) -> list[Event]:
    text = (CONTRACTS / "examples" / file).read_text(encoding="utf-8")
    found: list[Event] = json.loads(text)
    return found


def validator(name: str) -> Draft202012Validator:
    """Return the validator of an event type's committed schema."""
    return _validator(EVENTS[name].file)


def examples(name: str) -> list[Event]:
    """Return the committed examples of an event type."""
    return _examples(EVENTS[name].file)


def message_validator(spec: MessageSpec) -> Draft202012Validator:
    """Return the validator of the committed schema of a message that is no event."""
    return _validator(spec.file)


def message_examples(spec: MessageSpec) -> list[Event]:
    """Return the committed examples of such a message."""
    return _examples(spec.file)


def named_producer_of(service: str) -> set[str]:
    """Return the types that the contracts say ``service`` writes."""
    return {name for name, spec in EVENTS.items() if service in spec.producers}


async def written_by(core: Core, service: str) -> list[Event]:
    """Return every stored event that ``service`` wrote."""
    logs = await core.db[LOGS.name].find().to_list()
    stream = [event for log in logs for event in log["event_stream"]]
    return [event for event in stream if event["service"] == service]


def assert_writes_what_it_promises(stored: list[Event], service: str) -> None:
    """Check events as they are published, and that their types are the promised ones, all."""
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        assert published["source"] == f"/cst/new-york/{service}"
    assert {event["type"] for event in stored} == named_producer_of(service)


def assert_published_without(stored: list[Event], *words: str) -> None:
    """Check that events are published as their contracts say, without what somebody wrote."""
    for event in stored:
        published = json.loads(record_of(event).value or b"")
        validator(event["type"]).validate(published)
        RequestEvent.model_validate(published).typed()
        for word in words:
            assert word not in str(published)


def _as_committed(event: Event) -> Event:
    return event


def _with_unknown_fields(event: Event) -> Event:
    """As a newer writer sends it: new optional fields on every level."""
    event["newattribute"] = "x"
    event["data"] |= {"new_field": {"deep": [1]}}
    event["data"]["facts"] |= {"new_fact": 7}
    event["data"]["actor"] |= {"new_detail": None}
    return event


def _with_unknown_values(event: Event) -> Event:
    """As a newer writer sends it: values that this reader's enumerations lack."""
    event["data"]["facts"] |= {"status": "paused", "priority": "P0", "public": "friends"}
    event["data"]["actor"]["actor_type"] = "robot"
    return event


_VARIANTS: tuple[Callable[[Event], Event], ...] = (
    _as_committed,
    _with_unknown_fields,
    _with_unknown_values,
)


@dataclass(frozen=True)
class Delivery:
    """An event on its way to a consumer; ``seed`` is the committed example it was made from."""

    consumer: str
    label: str
    seed: Event
    event: Event

    def __str__(self) -> str:
        return f"{self.consumer}-{self.label}"


def deliveries(service: str) -> list[Delivery]:
    """Return every example of every event that ``service`` consumes, in each variant."""
    return [
        Delivery(
            consumer.name,
            f"{name}{position}{variant.__name__}",
            example,
            variant(copy.deepcopy(example)),
        )
        for consumer in consumers()
        if consumer.service == service
        for name in sorted(consumer.types)
        for position, example in enumerate(examples(name))
        for variant in _VARIANTS
    ]


def _subscription(core: Core, consumer: str) -> Subscription:
    found = [
        sub
        for worker in WORKERS.values()
        for sub in worker.build(core).subscriptions
        if sub.handler.name == consumer
    ]
    (only,) = found
    return only


async def deliver(core: Core, consumer: str, event: Event) -> Mark | None:
    """Let a consumer's real handler have ``event``; return its mark. Nothing may be given up."""
    sub, dead = _subscription(core, consumer), RecordingDeadLetters()
    processor = Processor(core.db, sub.handler, dead, marks=sub.marks, chunk=sub.chunk)
    key = event["subject"].encode()
    await processor.process([consumer_record(key, json.dumps(event).encode())])
    assert dead.sent == []
    marks = sub.marks or CollectionMarks(core.db, consumer)
    found = await transact(core.db, lambda session: marks.load([event["subject"]], session))
    return found.get(event["subject"])


async def deliver_and_take(core: Core, delivery: Delivery) -> None:
    """Deliver, and check that the consumer has noted the event as handled."""
    mark = await deliver(core, delivery.consumer, delivery.event)
    assert mark == Mark(delivery.event["seq"])
