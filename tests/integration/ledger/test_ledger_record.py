"""Recording in MongoDB: the document is the fold of its events, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import BulkWriteError, DuplicateKeyError

from cst_core.errors import NotFound, StaleVersion, TooLarge, TransitionRefused
from cst_ledger.events import Document, NewEvent
from cst_ledger.fold import fold
from cst_ledger.ledger import LOGS, MAX_DOCUMENT, REQUESTS, Ledger
from cst_ledger.reader import events_of
from cst_ledger.seal import BUCKET_SIZE
from cst_ledger.verify import verify_all, verify_one
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact
from cst_testkit.factories import SYSTEM, created_event
from cst_testkit.histories import AGENT, histories, step

RESERVED = NewEvent("agent_reserved", SYSTEM, meta=AGENT)
BESIDE = ("_id", "request_id", "ledger")


async def logs_of(db: Database, document: Document) -> list[Document]:
    cursor = db[LOGS.name].find({"request_id": document["_id"]})
    return await cursor.sort("bucket", 1).to_list()


async def everything(db: Database) -> tuple[list[Document], list[Document]]:
    return await db[REQUESTS.name].find().to_list(), await db[LOGS.name].find().to_list()


@settings(max_examples=25)
@given(history=histories(), data=st.data())
async def test_what_is_stored_is_the_fold_of_its_events(
    db: Database, ledger: Ledger, history: list[NewEvent], data: Any
) -> None:
    """However the events are spread over appends."""
    request_id = f"CST-2026-{data.draw(st.integers(10**6, 10**12 - 1))}"
    await db[REQUESTS.name].delete_many({"request_id": request_id})
    await transact(db, lambda session: ledger.create(request_id, history[0], session))
    rest = history[1:]
    while rest:
        count = data.draw(st.integers(1, len(rest)))
        await ledger.record(request_id, lambda _, events=rest[:count]: events)
        rest = rest[count:]
    document = await ledger.load(request_id)
    events = await events_of(db, document["_id"])
    assert fold(events) == {k: v for k, v in document.items() if k not in BESIDE}
    assert (await verify_one(db, request_id)).problems == []


async def test_record_returns_what_is_stored(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    returned = await ledger.record(request_id, lambda _: [step("triaged", message="seen")])
    assert returned == await ledger.load(request_id)


@pytest.mark.parametrize("sizes", [[1] * 3, [BUCKET_SIZE], [99, 1, 1], [60, 90, 70], [250]])
async def test_a_stream_goes_on_in_the_next_bucket(
    db: Database, ledger: Ledger, create: Callable[..., Any], sizes: list[int]
) -> None:
    """Also where one append crosses the border, or several of them."""
    request_id = await create(*([RESERVED] * size for size in sizes))
    document = await ledger.load(request_id)
    logs, total = await logs_of(db, document), 1 + sum(sizes)
    assert [log["bucket"] for log in logs] == list(range(-(-total // BUCKET_SIZE)))
    assert all(len(log["event_stream"]) == BUCKET_SIZE for log in logs[:-1])
    assert [log["last_seq"] for log in logs] == [log["event_stream"][-1]["seq"] for log in logs]
    assert document["ledger"]["bucket"] == logs[-1]["bucket"]
    assert (await verify_one(db, request_id)).events == total
    assert (await verify_one(db, request_id)).problems == []


async def test_only_bucket_zero_holds_kpis_and_feedback(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create([RESERVED] * BUCKET_SIZE)
    first, second = await logs_of(db, await ledger.load(request_id))
    assert {"computed_kpis", "citizen_feedback"} <= set(first)
    assert not {"computed_kpis", "citizen_feedback"} & set(second)


async def test_no_events_is_no_write(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    before = await everything(db)
    assert await ledger.record(request_id, lambda _: []) == await ledger.load(request_id)
    assert await everything(db) == before


async def test_an_unknown_request_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="CST-2026-999999"):
        await ledger.record("CST-2026-999999", lambda _: [step("triaged")])


async def test_a_stale_version_is_refused_with_the_current_one(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create([step("triaged")])
    before = await everything(db)
    with pytest.raises(StaleVersion) as caught:
        await ledger.record(request_id, lambda _: [step("assigned")], expected_version=1)
    assert caught.value.members == {"expected_version": 1, "current_version": 2}
    assert await everything(db) == before
    after = await ledger.record(request_id, lambda _: [step("assigned")], expected_version=2)
    assert after["version"] == 3


async def test_a_refused_step_stores_nothing_of_what_came_with_it(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    before = await everything(db)
    with pytest.raises(TransitionRefused):
        await ledger.record(request_id, lambda _: [step("triaged"), RESERVED, step("closed")])
    assert await everything(db) == before


async def test_what_is_written_alongside_fails_with_the_record_and_the_other_way(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()

    async def also(session: Session, _: Document) -> None:
        await db["counters"].insert_one({"_id": "alongside"}, session=session)

    async def also_fails(session: Session, document: Document) -> None:
        await also(session, document)
        raise RuntimeError("afterwards")

    before = await everything(db)
    with pytest.raises(TransitionRefused):
        await ledger.record(request_id, lambda _: [step("closed")], also=also)
    with pytest.raises(RuntimeError, match="afterwards"):
        await ledger.record(request_id, lambda _: [step("triaged")], also=also_fails)
    assert await everything(db) == before
    assert await db["counters"].find_one({"_id": "alongside"}) is None


async def test_a_callers_transaction_that_fails_takes_the_record_with_it(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    before = await everything(db)

    async def write(session: Session) -> None:
        await ledger.record(request_id, lambda _: [step("triaged")], session=session)
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await transact(db, write)
    assert await everything(db) == before


async def test_a_document_over_the_cap_is_refused_and_nothing_stored(
    db: Database, ledger: Ledger, create: Callable[..., Any], new_id: Callable[[], str]
) -> None:
    request_id = await create()
    before = await everything(db)
    huge = "x" * MAX_DOCUMENT
    with pytest.raises(TooLarge, match=r"bytes, at most 1000000"):
        await create(first=created_event(message=huge))
    with pytest.raises(TooLarge):
        await ledger.record(request_id, lambda _: [step("triaged", message=huge)])
    assert await everything(db) == before


async def test_a_request_id_is_used_once(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    before = await everything(db)
    with pytest.raises(DuplicateKeyError):
        await transact(db, lambda s: ledger.create(request_id, created_event(), s))
    assert await everything(db) == before


def imported(number: int, **overrides: Any) -> NewEvent:
    source = {"system": "old", "id": str(number)}
    first = created_event(source=source, historic=True, status="closed", **overrides)
    return NewEvent("imported", SYSTEM, first.changes, {"source_system": "old"}, "an old one")


async def test_history_enters_as_one_event_each(
    db: Database, ledger: Ledger, new_id: Callable[[], str]
) -> None:
    firsts = [(new_id(), imported(number)) for number in range(300)]
    documents = await transact(db, lambda session: ledger.import_many(firsts, session))
    assert [document["request_id"] for document in documents] == [id for id, _ in firsts]
    verdicts = {verdict.request_id: verdict async for verdict in verify_all(db)}
    assert all(verdicts[id].ok and verdicts[id].events == 1 for id, _ in firsts)


async def test_a_source_is_imported_once_and_its_batch_stands_or_falls_whole(
    db: Database, ledger: Ledger, new_id: Callable[[], str]
) -> None:
    first = [(new_id(), imported(1000))]
    await transact(db, lambda session: ledger.import_many(first, session))
    before = await everything(db)
    again = [(new_id(), imported(1001)), (new_id(), imported(1000))]
    with pytest.raises(BulkWriteError, match="duplicate key"):
        await transact(db, lambda session: ledger.import_many(again, session))
    assert await everything(db) == before


async def test_importing_nothing_is_allowed(db: Database, ledger: Ledger) -> None:
    assert await transact(db, lambda session: ledger.import_many([], session)) == []


async def test_the_audit_reports_what_was_changed_behind_the_ledgers_back(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    altered, orphan = await create(), await create()
    await db[REQUESTS.name].update_one({"request_id": altered}, {"$set": {"priority": "P1"}})
    await db[REQUESTS.name].delete_one({"request_id": orphan})
    broken = {verdict.request_id: verdict.problems async for verdict in verify_all(db)}
    assert "priority is not what its events say" in broken[altered][0]
    assert "the request document is missing" in broken[orphan][0]
    with pytest.raises(NotFound):
        await verify_one(db, orphan)


async def test_the_audit_names_request_and_seq_of_one_altered_byte(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create([step("triaged")], [step("assigned")])
    oid: ObjectId = (await ledger.load(request_id))["_id"]
    path = "event_stream.1.by.actor_id"
    await db[LOGS.name].update_one({"request_id": oid}, {"$set": {path: "tess"}})
    verdict = await verify_one(db, request_id)
    assert verdict.request_id == request_id
    assert [problem[:6] for problem in verdict.problems] == ["seq 1:"]
