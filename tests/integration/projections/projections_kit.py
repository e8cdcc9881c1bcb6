"""Histories into the ledger and to the handlers, and what is wrong with the projections."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from app.registry import PROJECTIONS, WORKERS
from cst_bus.processor import Processor
from cst_core.clock import Clock
from cst_geo_analytics.projections.stores import BUILT
from cst_ledger.events import Document, NewEvent
from cst_ledger.ledger import LOGS, Ledger
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.projection import Projection
from cst_testkit.factories import CREATED_AT
from cst_testkit.histories import AGENT
from cst_testkit.records import Record, RecordingDeadLetters, record_of

_numbers = itertools.count(10**6)
EMPTIED = (
    "service_requests",
    "performance_logs",
    *(spec.name for spec in BUILT),
    "kpi_facts",
    "projection_gates",
    "sla_clocks",
    "dispatch_queue",
    "acceptance_clocks",
    "consumer_marks",
)


#: What the wire asks of a step beside its rule.
NEEDED: dict[str, dict[str, Any]] = {
    "triaged": {"rule": None},
    "assigned": {**AGENT, "assignment_policy": "manual"},
    "resolved": {"resolution_code": "fixed"},
}


def projection(core: Core, name: str) -> Projection:
    """Return a projection by its name, as the command builds it."""
    return PROJECTIONS[name].build(core)


async def emptied(core: Core) -> None:
    """Forget every request and what was derived from them."""
    for name in EMPTIED:
        await core.db[name].delete_many({})


async def stored(core: Core, history: Sequence[NewEvent], *, on_time: bool = False) -> str:
    """Write a history, with ``on_time`` each event when it happens; return the new request's id."""
    request_id, written_at = f"CST-2026-{next(_numbers)}", CREATED_AT
    for number, event in enumerate(history):
        whole = replace(event, meta=NEEDED.get(event.type, {}) | dict(event.meta))
        written_at = max(written_at, event.at or written_at)
        stopped = Clock(start=written_at, rate=0, anchor=written_at)
        ledger = Ledger(core.db, "test", core.rules, stopped if on_time else core.clock)
        if number == 0:
            await transact(core.db, partial(ledger.create, request_id, whole))
        else:
            await ledger.record(request_id, lambda _, whole=whole: [whole])
    return request_id


async def stories(core: Core) -> list[list[Document]]:
    """Return the events of each request."""
    found: dict[str, list[Document]] = {}
    async for log in core.db[LOGS.name].find().sort([("request_id", 1), ("bucket", 1)]):
        for event in log["event_stream"]:
            found.setdefault(event["subject"], []).append(event)
    return list(found.values())


def shuffled(stories: Sequence[Sequence[Document]], rng: random.Random) -> list[Record]:
    """Return the stories as one topic: in order for each request, and some of it twice."""
    queues = [list(story) for story in stories]
    records: list[Record] = []
    while queues := [queue for queue in queues if queue]:
        queue = rng.choice(queues)
        records.append(record_of(queue.pop(0), offset=len(records)))
        if rng.random() < 0.2:
            records.append(rng.choice(records))
    return records


async def delivered(core: Core, worker: str, records: Sequence[Record], chunk: int = 100) -> None:
    """Let a worker's consumer, one that has just started, handle records."""
    sub = WORKERS[worker].build(core).subscriptions[0]
    dead = RecordingDeadLetters()
    await Processor(core.db, sub.handler, dead, marks=sub.marks, chunk=chunk).process(records)
    assert not dead.sent
