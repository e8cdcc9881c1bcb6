"""A request of 5,000 events: buckets roll, the chain holds, and an append reads none of it."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from cst_core.clock import Clock
from cst_ledger.events import NewEvent
from cst_ledger.fold import fold
from cst_ledger.ledger import LOGS, REQUESTS, Ledger
from cst_ledger.reader import events_of
from cst_ledger.rules import RuleBook
from cst_ledger.seal import BUCKET_SIZE
from cst_ledger.verify import verify_one
from cst_mongo.client import Database
from cst_mongo.transactions import transact
from cst_testkit.factories import SYSTEM, created_event

EVENTS = 5_000
AT_ONCE = 70  # so that batches and buckets end at different places
REQUEST = "CST-2026-5000"
NOTE = NewEvent("agent_reserved", SYSTEM, meta={"agent_code": "DOT-1"})


@pytest.fixture(scope="module")
async def long_request(db: Database, ledger: Ledger) -> str:
    await transact(db, lambda session: ledger.create(REQUEST, created_event(), session))
    left = EVENTS - 1
    while left:
        notes = [NOTE] * min(AT_ONCE, left)
        await ledger.record(REQUEST, lambda _, notes=notes: notes)
        left -= len(notes)
    return REQUEST


async def test_its_buckets_hold_a_hundred_each_and_its_chain_holds(
    db: Database, long_request: str
) -> None:
    document = await db[REQUESTS.name].find_one({"request_id": long_request})
    assert document is not None
    logs = await db[LOGS.name].find({"request_id": document["_id"]}).sort("bucket", 1).to_list()
    assert [len(log["event_stream"]) for log in logs] == [BUCKET_SIZE] * (EVENTS // BUCKET_SIZE)
    assert (document["ledger"]["seq"], document["ledger"]["bucket"]) == (EVENTS - 1, len(logs) - 1)
    verdict = await verify_one(db, long_request)
    assert (verdict.problems, verdict.events) == ([], EVENTS)
    folded = fold(await events_of(db, document["_id"]))
    assert folded is not None
    assert folded["status"] == document["status"]


class _Asked(CommandListener):
    """What the server was asked: command and collection."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.asked.append((event.command_name, event.command.get(event.command_name)))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


async def test_an_append_reads_the_request_and_nothing_of_its_history(
    mongo_uri: str, db: Database, long_request: str
) -> None:
    seen = _Asked()
    async with AsyncMongoClient[dict[str, Any]](
        mongo_uri, tz_aware=True, event_listeners=[seen]
    ) as client:
        ledger = Ledger(client[db.name], "test", RuleBook.shipped(), Clock())
        await ledger.record(long_request, lambda _: [NOTE])
    commands = [asked for asked in seen.asked if asked[0] not in ("hello", "ping", "endSessions")]
    assert commands == [
        ("find", REQUESTS.name),
        ("update", REQUESTS.name),
        ("insert", LOGS.name),  # the first event of bucket 50
        ("commitTransaction", 1),
    ]
