"""Workers: a service's consumers and loops, alone or with others in one process."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from cst_bus.broker import BATCH_RECORDS, make_broker, subscribe
from cst_bus.chunks import CHUNK, Near
from cst_bus.dead_letters import DeadLetters
from cst_bus.marks import CollectionMarks, Marks
from cst_bus.processor import Handler, Processor
from cst_bus.producer import make_producer
from cst_bus.states import StateHandler, StateProcessor
from cst_bus.topics_admin import cluster_id, ensure_topics
from cst_contracts.topics import TOPICS, Topic
from cst_core.errors import Unavailable
from cst_core.settings import Settings
from cst_process.core import Core
from cst_process.vitals import ConsumerVitals, Vitals

log = structlog.get_logger(__name__)

_CLIENT_LOG = logging.getLogger("aiokafka")

#: Seconds between looks at the broker's identity.
WATCH_S = 2.0
#: How long it may take to say who it is.
ANSWER_S = 5.0

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Subscription:
    """A handler on a topic; ``marks`` where it keeps them itself.

    At most ``batch`` records come at a time; ``chunk`` and ``near`` are the `Processor`'s.
    """

    topic: Topic
    handler: Handler
    marks: Marks | None = None
    chunk: int = CHUNK
    batch: int = BATCH_RECORDS
    near: Near | None = None


@dataclass(frozen=True)
class Watch:
    """A handler of what a state topic tells."""

    topic: Topic
    handler: StateHandler


@dataclass(frozen=True)
class Work:
    """What a service's worker does: consume, watch, and run loops until the stop event is set."""

    subscriptions: Sequence[Subscription] = ()
    loops: Sequence[Loop] = field(default=())
    watches: Sequence[Watch] = ()


@dataclass(frozen=True, slots=True)
class ServiceWorker:
    """A service's worker: its name, and its work built over the core."""

    name: str
    build: Callable[[Core], Work]


class BrokerReplaced(Unavailable):
    """The broker is another one than before: offsets mean nothing any more, so start again."""


async def run_work(
    core: Core, work: Sequence[Work], stop: asyncio.Event, vitals: Vitals | None = None
) -> None:
    """Run until ``stop`` is set; a loop that fails or ends early ends them all, with its error.

    The consumers wait for a broker that is not there yet; the loops do not need one.

    Args:
        core: what the work is built over.
        work: what to run.
        stop: ends it in good order.
        vitals: where the process tells how its consumers are doing.

    Raises:
        BrokerReplaced: the embedded broker was restarted and has forgotten everything. A new
            process reads the refilled log from its start, and the marks drop what it had.
    """
    consuming = _consume(core, work, stop, vitals or Vitals("worker"))
    loops = [loop(stop) for part in work for loop in part.loops]
    tasks = [asyncio.create_task(coro) for coro in (consuming, *loops, _wait(stop))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _consume(core: Core, work: Sequence[Work], stop: asyncio.Event, vitals: Vitals) -> None:
    known = await _meet_broker(core.settings, stop, vitals)
    if known is not None:
        async with _consuming(core, work, vitals, known) as brokers:
            await _watch(brokers, core.settings.kafka, known, stop, vitals)


async def _meet_broker(settings: Settings, stop: asyncio.Event, vitals: Vitals) -> str | None:
    """Wait for the broker, create its topics, and return its identity; None when stopped first."""
    while not stop.is_set():
        try:
            known = await cluster_id(settings.kafka)
            await ensure_topics(
                settings.kafka,
                TOPICS,
                prefix=settings.topic_prefix,
                volatile=not settings.kafka_idempotent,
            )
        except (KafkaError, OSError, Unavailable) as error:
            _note_loss(vitals, error)
            await _pause(stop)
        else:
            _note_return(vitals)
            return known
    return None


async def _watch(
    brokers: Sequence[KafkaBroker], bootstrap: str, known: str, stop: asyncio.Event, vitals: Vitals
) -> None:
    """End the process when the broker is another one, or when a consumer has ended silently."""
    while not stop.is_set():
        await _pause(stop)
        if any(task.done() for broker in brokers for task in _tasks(broker)):
            raise Unavailable("a consumer has ended; it would look alive and handle nothing")
        try:
            async with asyncio.timeout(ANSWER_S):
                found = await cluster_id(bootstrap)
        except (KafkaError, OSError) as error:  # the consumers wait for it, too
            _note_loss(vitals, error)
            continue
        if found != known:
            raise BrokerReplaced(f"the broker at {bootstrap} has another cluster id")
        _note_return(vitals)


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), WATCH_S)


def _note_loss(vitals: Vitals, error: Exception) -> None:
    if vitals.broker_lost():
        log.warning("the broker does not answer; waiting for it", error=str(error)[:200])
        # It would say the same dozens of times a second.
        _CLIENT_LOG.setLevel(logging.CRITICAL)


def _note_return(vitals: Vitals) -> None:
    if (after_s := vitals.broker_found()) is not None:
        _CLIENT_LOG.setLevel(logging.WARNING)
        log.info("the broker answers again", after_s=after_s)


def _tasks(broker: KafkaBroker) -> list[asyncio.Task[Any]]:
    return [task for sub in broker.subscribers for task in getattr(sub, "tasks", [])]


@asynccontextmanager
async def _consuming(
    core: Core, work: Sequence[Work], vitals: Vitals, known: str
) -> AsyncIterator[list[KafkaBroker]]:
    settings = core.settings
    producer: AIOKafkaProducer = make_producer(settings.kafka, idempotent=settings.kafka_idempotent)
    await producer.start()
    dead = DeadLetters(producer)
    subscriptions = [sub for part in work for sub in part.subscriptions]
    # A consumer that lives through a restart of the embedded broker may commit, to the new one,
    # how far it was in the old log; no successor of it must begin there.
    incarnation = "" if settings.kafka_idempotent else f"@{known}"
    brokers = [_broker_of(core, sub, dead, vitals, incarnation) for sub in subscriptions]
    watches = [watch for part in work for watch in part.watches]
    brokers += [_broker_watching(core, watch, dead, vitals, incarnation) for watch in watches]
    try:
        # A broker starts its consumers in turns, and each waits for its group: hence one for each.
        await asyncio.gather(*(broker.start() for broker in brokers))
        yield brokers
    finally:
        await asyncio.gather(*(broker.stop() for broker in brokers))
        await producer.stop()


def _broker_of(
    core: Core, sub: Subscription, dead: DeadLetters, vitals: Vitals, incarnation: str
) -> KafkaBroker:
    marks = sub.marks or CollectionMarks(core.db, sub.handler.name)
    processor = Processor(core.db, sub.handler, dead, marks=marks, chunk=sub.chunk, near=sub.near)
    return _broker(core, sub.topic, processor, marks, vitals, incarnation, sub.batch)


def _broker_watching(
    core: Core, watch: Watch, dead: DeadLetters, vitals: Vitals, incarnation: str
) -> KafkaBroker:
    processor = StateProcessor(watch.handler, dead)
    none = CollectionMarks(core.db, watch.handler.name)  # it parks nothing
    return _broker(core, watch.topic, processor, none, vitals, incarnation)


def _broker(
    core: Core,
    topic: Topic,
    processor: Processor | StateProcessor,
    marks: Marks,
    vitals: Vitals,
    incarnation: str,
    batch: int = BATCH_RECORDS,
) -> KafkaBroker:
    broker, prefix = make_broker(core.settings.kafka), core.settings.topic_prefix
    group = processor.progress.consumer + incarnation
    subscribe(broker, topic, processor, group=group, prefix=prefix, batch=batch)
    vitals.consumers.append(ConsumerVitals(processor.progress, marks, lambda: _client(broker)))
    return broker


def _client(broker: KafkaBroker) -> AIOKafkaConsumer | None:
    return next((getattr(sub, "consumer", None) for sub in broker.subscribers), None)


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
