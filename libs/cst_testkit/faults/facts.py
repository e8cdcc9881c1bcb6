"""What a run has left behind: the ledger, the topic and the consumers' marks, read whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from app.registry import WORKERS
from cst_bus.marks import CollectionMarks
from cst_contracts.topics import REQUEST_EVENTS
from cst_dispatch.acceptance import ACCEPTANCE, AcceptanceClocks
from cst_dispatch.queue import QUEUE, Queue
from cst_ledger.ledger import LOGS
from cst_mongo.client import Database
from cst_process.core import Core
from cst_process.worker import Subscription
from cst_sla.repository import CLOCKS, SlaRepository
from cst_testkit.waiting import wait_until

AT_ONCE = 1000
READ_S = 60.0

Records: TypeAlias = "list[ConsumerRecord[bytes, bytes]]"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as the ledger has it."""

    event_id: str
    seq: int
    type: str


Ledger: TypeAlias = dict[str, list[Told]]


async def read_ledger(db: Database) -> Ledger:
    """Return every request's events, in order."""
    found: Ledger = {}
    kept = {"event_stream.event_id": 1, "event_stream.seq": 1, "event_stream.type": 1}
    cursor = db[LOGS.name].find({}, kept | {"event_stream.subject": 1})
    async for log in cursor.sort([("request_id", 1), ("bucket", 1)]):
        for event in log["event_stream"]:
            told = Told(str(event["event_id"]), event["seq"], event["type"])
            found.setdefault(event["subject"], []).append(told)
    return found


async def count_events(db: Database) -> int:
    """Return how many events the ledger has."""
    total = [{"$group": {"_id": None, "n": {"$sum": {"$size": "$event_stream"}}}}]
    rows = await (await db[LOGS.name].aggregate(total)).to_list()
    return int(rows[0]["n"]) if rows else 0


def consumers(core: Core) -> list[Subscription]:
    """Return every worker's subscriptions to the events of requests."""
    works = [worker.build(core) for worker in WORKERS.values()]
    return [s for work in works for s in work.subscriptions if s.topic == REQUEST_EVENTS]


async def behind(core: Core, ledger: Ledger) -> list[str]:
    """Return a line for each consumer and request whose mark is not its last event's."""
    lines: list[str] = []
    for sub in consumers(core):
        wanted = {
            request_id: max(seqs)
            for request_id, events in ledger.items()
            if (seqs := [event.seq for event in events if event.type in sub.handler.types])
        }
        marks = await _marks(core.db, sub, list(wanted))
        lines += [
            f"{sub.handler.name}: {request_id} is at seq {marks.get(request_id)}, not {seq}"
            for request_id, seq in wanted.items()
            if marks.get(request_id) != seq
        ]
    return lines


async def due(core: Core) -> list[str]:
    """Return a line for each row of work that is due: nobody has looked at it yet, or who has
    claimed it is dead and its lease has not run out."""
    now = core.clock.now()
    loops = {
        QUEUE.name: Queue.fallen_due(now),
        ACCEPTANCE.name: AcceptanceClocks.fallen_due(now),
        CLOCKS.name: SlaRepository.fallen_due(now),
    }
    return [
        f"{name}: {row['_id']} is due"
        for name, filter_ in loops.items()
        async for row in core.db[name].find(filter_, {"_id": 1})
    ]


async def _marks(db: Database, sub: Subscription, request_ids: Sequence[str]) -> dict[str, int]:
    """Return how far a consumer has come with each request; a parked one is nowhere."""
    marks = sub.marks or CollectionMarks(db, sub.handler.name)
    found: dict[str, int] = {}
    async with db.client.start_session() as session:
        for start in range(0, len(request_ids), AT_ONCE):
            loaded = await marks.load(request_ids[start : start + AT_ONCE], session)
            found |= {key: -1 if mark.parked else mark.seq for key, mark in loaded.items()}
    return found


async def read_topic(bootstrap: str, topic: str, partitions: int, *, committed: bool) -> Records:
    """Return all records of a topic, of each partition in order, as far as it goes now.

    ``committed`` leaves out what belongs to aborted transactions.
    """
    isolation = "read_committed" if committed else "read_uncommitted"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        wanted = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(wanted)
        return await _until(consumer, await consumer.end_offsets(wanted))
    finally:
        await consumer.stop()


async def _until(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> Records:
    records: Records = []

    async def at_end() -> bool:
        for batch in (await consumer.getmany(timeout_ms=200)).values():
            records.extend(batch)
        return all([await consumer.position(tp) >= end for tp, end in ends.items()])

    await wait_until(at_end, READ_S, f"the end of {sorted(ends)}")
    return records
