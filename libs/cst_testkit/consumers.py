"""A consumer whose effects can be counted, and a request's story as it comes from the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from cst_bus.chunks import CHUNK
from cst_bus.parking import Parking
from cst_bus.processor import Processor
from cst_contracts.events import RequestEvent
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Database, Session
from cst_testkit.factories import CREATED_AT, created_event
from cst_testkit.histories import AGENT, Written, step, written
from cst_testkit.records import CITY, Record, RecordingDeadLetters, record_of

EFFECTS = "counted_effects"
MANUALLY = {**AGENT, "assignment_policy": "manual"}


@dataclass
class CountingHandler:
    """Inserts a row per event, so that a second effect of one event fails loudly.

    ``poison`` are the events (subject and seq) it fails for; ``failures`` are raised first, one an
    attempt. Both fail after the effect was written, which the transaction must undo.
    """

    db: Database
    name: str
    types: frozenset[str] = frozenset({"created", "triaged", "assigned"})
    poison: set[tuple[str, int]] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)
    attempts: int = 0

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        self.attempts += 1
        for event in events:
            row = {"consumer": self.name, "subject": event.subject, "seq": event.seq}
            await self.db[EFFECTS].insert_one({"_id": row}, session=session)
            if (event.subject, event.seq) in self.poison:
                raise ValueError(f"cannot handle {event.subject} {event.seq}")
        if self.failures:
            raise self.failures.pop(0)

    async def effects(self) -> set[tuple[str, int]]:
        """Return the (subject, seq) that have had their effect."""
        cursor = self.db[EFFECTS].find({"_id.consumer": self.name})
        return {(row["_id"]["subject"], row["_id"]["seq"]) async for row in cursor}


@dataclass
class Halting(CountingHandler):
    """Halts within its transaction, after its effect, until it may go on."""

    inside: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await super().handle(events, session)
        self.inside.set()
        await self.may_go_on.wait()


@dataclass
class Consumer:
    """A handler and what stands between it and the topic."""

    db: Database
    name: str
    dead: RecordingDeadLetters = field(default_factory=RecordingDeadLetters)
    handler: CountingHandler = field(init=False)

    def __post_init__(self) -> None:
        self.handler = CountingHandler(self.db, self.name)

    async def process(self, records: Sequence[Record], *, chunk: int = CHUNK) -> None:
        """Process a batch as a consumer that has just started."""
        await Processor(self.db, self.handler, self.dead, chunk=chunk).process(records)

    @property
    def parking(self) -> Parking:
        """What an operator does about its parked requests, with transactions of two events."""
        return Parking(self.db, CITY, self.handler, chunk=2)

    async def effects(self) -> set[tuple[str, int]]:
        """Return the (subject, seq) that have had their effect."""
        return await self.handler.effects()


def story(request_id: str) -> list[Record]:
    """Return a request's records: created, triaged and assigned, at the offsets 0 to 2."""
    events = _written(request_id).events
    return [record_of(event, offset=event["seq"]) for event in events]


async def tell(db: Database, request_id: str, events: int = 3) -> None:
    """Bring the ledger to the first ``events`` of a request's story."""
    made = _written(request_id)
    document = {key: value for key, value in made.document.items() if key != "_id"}
    requests, logs = db[REQUESTS.name], db[LOGS.name]
    known = {"request_id": request_id}
    await requests.update_one(known, {"$setOnInsert": document}, upsert=True)
    stored = await requests.find_one(known)
    assert stored is not None  # it was just inserted
    stream = made.events[:events]
    log = {"event_stream": stream, "last_seq": stream[-1]["seq"], "updated_at": CREATED_AT}
    bucket = {"request_id": stored["_id"], "bucket": 0}
    await logs.update_one(bucket, {"$set": log}, upsert=True)


def _written(request_id: str) -> Written:
    steps = [step("triaged", meta={"rule": None}), step("assigned", meta=MANUALLY)]
    return written([created_event(), *steps], request_id)
