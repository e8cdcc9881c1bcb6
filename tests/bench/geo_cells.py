"""Events to cells: the geo worker, alone and by twos, beside a consumer that keeps sums only.

``python -m tests.bench.geo_cells --rows 20000``. A city's stream (each request reported, triaged,
assigned, begun, resolved, closed, in days) lies in the topic, and each consumer is a process of its
own that reads it from the start. The bare one reads and checks records as the worker does and adds
their cells' sums in one bulk write a batch: no rows, so it can neither take out what has changed
nor leave out what comes twice. It is the base of the ratios; two of it say what the machine allows.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import h3
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import UpdateOne
from tests.bench.common import prepared, report, run_bench

from cst_bus.broker import make_broker, subscribe
from cst_bus.dead_letters import DeadLetters
from cst_bus.processor import Processor
from cst_bus.producer import make_producer
from cst_bus.reading import read
from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.settings import Settings
from cst_geo.cells import center
from cst_geo_analytics.domain.projection import MOVING, WEIGHTS
from cst_geo_analytics.main import WORKER
from cst_geo_analytics.projections.stores import BUILT, CELLS
from cst_ledger.events import Document, NewEvent
from cst_ledger.rules import RuleBook
from cst_ledger.seal import Sealer
from cst_mongo.indexes import migrate
from cst_process.core import Core, open_core
from cst_process.garbage import collect_less
from cst_relay.domain.request_records import event_record
from cst_stack import Endpoints
from cst_testkit.factories import CREATED_AT, created_event, request_state
from cst_testkit.histories import AGENT, LIFECYCLE, step

ROUNDS, BATCH = 3, 2_000
PLACES, CATEGORIES = 3_000, [f"category_{number}" for number in range(20)]
#: Between two requests, and until a request's next step on average: so few of its steps come in
#: one batch, where only the last of them would count.
EVERY, STEP = timedelta(seconds=30), timedelta(days=1)
META: dict[str, dict[str, Any]] = {
    "triaged": {"rule": None},
    "assigned": {**AGENT, "assignment_policy": "manual"},
    "resolved": {"resolution_code": "fixed"},
}
TOPIC = REQUEST_EVENTS.name


def _history(number: int, chance: random.Random) -> list[NewEvent]:
    """A request's events, at one of the city's places."""
    at, blank = CREATED_AT + number * EVERY, request_state()
    place = random.Random(chance.randrange(PLACES))
    leaf = h3.latlng_to_cell(40.6 + place.random() / 5, -74.0 + place.random() / 5, 10)
    first = created_event(
        category=chance.choice(CATEGORIES),
        priority=chance.choice(("P2", "P3", "P4")),
        public=chance.choice(("exact", "exact", "exact", "area")),
        due_at=at + timedelta(hours=chance.randrange(100)),
        timestamps=blank["timestamps"] | {"created_at": at},
        location=blank["location"] | {"h3": leaf, "zone_id": f"MN{place.randrange(12):02}"},
        channel="api",
    )
    events = [replace(first, at=at)]
    for status in LIFECYCLE:
        at += STEP * chance.expovariate(1)
        events.append(replace(step(status, meta=META.get(status, {})), at=at))
    return events


def _stream(events: int) -> list[Document]:
    """The city's stored events, in order of time."""
    chance, sealer, stored = random.Random(events), Sealer("bench", RuleBook.shipped()), []
    for number in range(events // (1 + len(LIFECYCLE))):
        document: Document | None = None
        for new in _history(number, chance):
            assert new.at is not None
            event, document = sealer.seal(f"CST-2026-{number:07}", document, new, now=new.at)
            stored.append(event)
    return sorted(stored, key=lambda event: (event["at"], event["seq"]))


async def _publish(settings: Settings, prefix: str, events: Sequence[Document]) -> dict[int, int]:
    """Send events to topics of their own; return where each partition ends."""
    await ensure_topics(settings.kafka, [REQUEST_EVENTS], prefix=prefix, volatile=True)
    producer: AIOKafkaProducer = make_producer(settings.kafka, idempotent=False)
    async with producer:
        sent = []
        for event in events:
            record = event_record(event, "new-york")
            sent.append(
                await producer.send(
                    physical(TOPIC, prefix), record.value, record.key, headers=list(record.headers)
                )
            )
        done = await asyncio.gather(*sent)
    ends: dict[int, int] = {}
    for metadata in done:
        ends[metadata.partition] = max(ends.get(metadata.partition, 0), metadata.offset + 1)
    return ends


@dataclass
class _Child:
    """A consumer's side of the pipe: says that it could begin, waits, and tells how far it is."""

    pipe: Connection
    begun: bool = False

    async def batch(self, work: Callable[[Any], Awaitable[None]], records: Sequence[Any]) -> None:
        if not self.begun:
            self.begun = True
            self.pipe.send("ready")
            await asyncio.to_thread(self.pipe.recv)
        await work(records)
        self.pipe.send({record.partition: record.offset + 1 for record in records})


async def _worker(core: Core, child: _Child, prefix: str) -> None:
    """The geo worker's subscription, as ``cst_process`` runs it."""
    (sub,) = WORKER.build(core).subscriptions
    producer: AIOKafkaProducer = make_producer(core.settings.kafka, idempotent=False)
    processor = Processor(
        core.db, sub.handler, DeadLetters(producer), marks=sub.marks, chunk=sub.chunk, near=sub.near
    )
    process = processor.process
    processor.process = partial(child.batch, process)  # type: ignore[method-assign]
    broker = make_broker(core.settings.kafka)
    subscribe(broker, sub.topic, processor, group="worker", prefix=prefix, batch=sub.batch)
    await core.catalog.get()
    async with producer, broker:
        await broker.start()
        await asyncio.Event().wait()


async def _bare(core: Core, child: _Child, prefix: str) -> None:
    """A consumer of the same records that writes one bulk update a batch, and no more."""
    cells = core.db["bare_cells"]

    async def work(records: Sequence[Any]) -> None:
        sums: dict[str, tuple[Document, Document]] = {}
        for record in records:
            _count(record, sums)
        updates = [
            UpdateOne({"_id": key}, {"$inc": more, "$setOnInsert": fields}, upsert=True)
            for key, (fields, more) in sums.items()
        ]
        await cells.bulk_write(updates, ordered=False)

    consumer: Any = AIOKafkaConsumer(
        physical(TOPIC, prefix),
        bootstrap_servers=core.settings.kafka,
        group_id=f"{prefix}bare",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        while True:
            found = await consumer.getmany(timeout_ms=50, max_records=BATCH)
            if records := [record for part in found.values() for record in part]:
                await child.batch(work, records)
                await consumer.commit()


def _count(record: Any, sums: dict[str, tuple[Document, Document]]) -> None:
    item = read(record, MOVING)
    assert item is not None
    facts = item.event.facts
    assert facts.h3 is not None
    names = ("category", "status", "priority", "zone_id", "public")
    fields = {"cell": facts.h3} | {name: str(getattr(facts, name)) for name in names}
    key = "|".join(fields.values())
    if key not in sums:
        lon, lat = center(facts.h3)
        sums[key] = fields | {"lon": lon, "lat": lat}, {"n": 0, "w": 0, "wt": 0}
    weight, more = WEIGHTS[facts.priority], sums[key][1]
    more["n"] += 1
    more["w"] += weight
    more["wt"] += weight * int(facts.created_at.timestamp())


CONSUMERS = {"bare": _bare, "worker": _worker}


def _run_consumer(kind: str, settings: Settings, prefix: str, pipe: Connection) -> None:
    async def run() -> None:
        async with open_core(settings, "bench") as core:
            collect_less()  # as `cst run` does
            await CONSUMERS[kind](core, _Child(pipe), prefix)

    asyncio.run(run())


@asynccontextmanager
async def _consumers(
    kind: str, count: int, settings: Settings, prefix: str
) -> AsyncIterator[list[Connection]]:
    """Start consumers, each its own process, and wait until each has its first records."""
    spawn, ours, processes = multiprocessing.get_context("spawn"), [], []
    for _ in range(count):
        own, theirs = spawn.Pipe()
        arguments = (kind, settings, prefix, theirs)
        process = spawn.Process(target=_run_consumer, args=arguments, daemon=True)
        process.start()
        ours.append(own)
        processes.append(process)
    try:
        for pipe in ours:
            assert await asyncio.to_thread(pipe.recv) == "ready"
        yield ours
    finally:
        for process in processes:
            process.kill()
            process.join()


async def _seconds(pipes: Sequence[Connection], ends: Mapping[int, int]) -> float:
    """Let them begin; return how long they take to the topic's end."""
    reached: dict[int, int] = {}

    async def follow(pipe: Connection) -> None:
        while any(reached.get(part, 0) < end for part, end in ends.items()):
            if await asyncio.to_thread(pipe.poll, 0.05):
                for part, offset in pipe.recv().items():
                    reached[part] = max(reached.get(part, 0), offset)

    start = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    await asyncio.gather(*map(follow, pipes))
    return time.perf_counter() - start


async def _run(stack: Endpoints, rows: int) -> None:
    settings, events = await prepared(stack), _stream(rows)
    variants = {
        "bare consumer": ("bare", 1),
        "two bare consumers": ("bare", 2),
        "geo worker": ("worker", 1),
        "two geo workers": ("worker", 2),
    }
    rates: dict[str, list[float]] = {name: [] for name in variants}
    async with open_core(settings, "bench") as core:
        for number in range(ROUNDS):
            for name, (kind, count) in variants.items():
                await _empty(core)
                prefix = f"{kind}{count}-{number}."
                ends = await _publish(settings, prefix, events)
                async with _consumers(kind, count, settings, prefix) as pipes:
                    rates[name].append(len(events) / await _seconds(pipes, ends))
                if kind == "worker":
                    await _check(core, len({event["subject"] for event in events}))
        report(f"{len(events):,} events to cells", rates)


async def _check(core: Core, requests: int) -> None:
    """Nobody is fast by leaving something out."""
    for name in ("geo_cells", "geo_days"):
        cursor = await core.db[name].aggregate([{"$group": {"_id": 0, "n": {"$sum": "$n"}}}])
        assert [row["n"] async for row in cursor] == [requests], name
    assert await core.db["geo_points"].count_documents({"status": "closed"}) == requests


async def _empty(core: Core) -> None:
    for spec in BUILT:
        await core.db[spec.name].delete_many({})
    await core.db["bare_cells"].drop()
    await migrate(core.db, [replace(CELLS, name="bare_cells")])


if __name__ == "__main__":
    run_bench(__doc__, _run, left_out="many consumers join their groups one after the other")
