"""Workers: a service's consumers and loops, alone or with others in one process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from cst_bus.broker import make_broker, subscribe
from cst_bus.dead_letters import DeadLetters
from cst_bus.marks import Marks
from cst_bus.processor import CHUNK, Handler, Processor
from cst_bus.producer import make_producer
from cst_bus.topics_admin import cluster_id, ensure_topics
from cst_contracts.topics import TOPICS, Topic
from cst_core.errors import Unavailable
from cst_process.core import Core

log = structlog.get_logger(__name__)

#: Seconds between looks at the broker's identity.
WATCH_S = 2.0

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Subscription:
    """A handler on a topic; ``marks`` where it keeps them itself."""

    topic: Topic
    handler: Handler
    marks: Marks | None = None
    chunk: int = CHUNK


@dataclass(frozen=True)
class Work:
    """What a service's worker does: consume, and run loops until the stop event is set."""

    subscriptions: Sequence[Subscription] = ()
    loops: Sequence[Loop] = field(default=())


@dataclass(frozen=True, slots=True)
class ServiceWorker:
    """A service's worker: its name, and its work built over the core."""

    name: str
    build: Callable[[Core], Work]


class BrokerReplaced(Unavailable):
    """The broker is another one than before: offsets mean nothing any more, so start again."""


async def run_work(core: Core, work: Sequence[Work], stop: asyncio.Event) -> None:
    """Run until ``stop`` is set; a loop that fails or ends early ends them all, with its error.

    Raises:
        BrokerReplaced: the embedded broker was restarted and has forgotten everything. A new
            process reads the refilled log from its start, and the marks drop what it had.
    """
    known = await cluster_id(core.settings.kafka)
    async with _consuming(core, work) as brokers:
        loops = [loop for part in work for loop in part.loops]
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(loop(stop)) for loop in loops]
        tasks.append(asyncio.create_task(_watch(brokers, core.settings.kafka, known, stop)))
        tasks.append(asyncio.create_task(stop.wait()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            stop.set()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(
    brokers: Sequence[KafkaBroker], bootstrap: str, known: str, stop: asyncio.Event
) -> None:
    """End the process when the broker is another one, or when a consumer has ended silently."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), WATCH_S)
            return
        if any(task.done() for broker in brokers for task in _tasks(broker)):
            raise Unavailable("a consumer has ended; it would look alive and handle nothing")
        with suppress(KafkaError):  # not there now; the consumers wait for it too
            if await cluster_id(bootstrap) != known:
                raise BrokerReplaced(f"the broker at {bootstrap} has another cluster id")


def _tasks(broker: KafkaBroker) -> list[asyncio.Task[Any]]:
    return [task for sub in broker.subscribers for task in getattr(sub, "tasks", [])]


@asynccontextmanager
async def _consuming(core: Core, work: Sequence[Work]) -> AsyncIterator[list[KafkaBroker]]:
    settings = core.settings
    await ensure_topics(
        settings.kafka,
        TOPICS,
        prefix=settings.topic_prefix,
        volatile=not settings.kafka_idempotent,
    )
    producer: AIOKafkaProducer = make_producer(settings.kafka, idempotent=settings.kafka_idempotent)
    await producer.start()
    dead = DeadLetters(producer)
    subscriptions = [sub for part in work for sub in part.subscriptions]
    brokers = [_broker_of(core, sub, dead) for sub in subscriptions]
    try:
        # A broker starts its consumers in turns, and each waits for its group: hence one for each.
        await asyncio.gather(*(broker.start() for broker in brokers))
        yield brokers
    finally:
        await asyncio.gather(*(broker.stop() for broker in brokers))
        await producer.stop()


def _broker_of(core: Core, sub: Subscription, dead: DeadLetters) -> KafkaBroker:
    broker, prefix = make_broker(core.settings.kafka), core.settings.topic_prefix
    processor = Processor(core.db, sub.handler, dead, marks=sub.marks, chunk=sub.chunk)
    subscribe(broker, sub.topic, processor, group=sub.handler.name, prefix=prefix)
    return broker


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
