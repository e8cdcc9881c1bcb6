"""Heartbeats in the database: who lives, and that nobody dies of them."""

from __future__ import annotations

import os

import psutil
import pytest
from pymongo.errors import OperationFailure

from cst_bus.marks import CollectionMarks
from cst_bus.progress import Progress
from cst_core.clock import wall_now
from cst_core.errors import Unavailable
from cst_mongo.client import Database, open_database
from cst_mongo.transactions import transact
from cst_process.heartbeat import EVERY_S, KEPT_S, PROCESSES, beating
from cst_process.judgement import Bounds, Expected
from cst_process.status import SystemWatch, survey
from cst_process.vitals import ConsumerVitals, Vitals
from cst_stack.ports import free_port
from cst_testkit.waiting import wait_until

BOUNDS = Bounds(stuck_s=30, behind_s=60)


async def row_of(db: Database, vitals: Vitals) -> dict[str, object]:
    async def found() -> dict[str, object] | None:
        return await db[PROCESSES.name].find_one({"_id": vitals.instance})

    return await wait_until(found, what="the heartbeat") or {}


async def test_a_process_tells_of_itself_while_it_runs_and_leaves_nothing(db: Database) -> None:
    vitals = Vitals("test-worker", ["test"])
    async with beating(db, vitals):
        row = await row_of(db, vitals)
        assert (row["name"], row["pid"], row["works"]) == ("test-worker", os.getpid(), ["test"])

        async def told_again() -> bool:
            return (await row_of(db, vitals))["at"] != row["at"]

        await wait_until(told_again, 5 * EVERY_S, "the next heartbeat")
    assert await db[PROCESSES.name].find_one({"_id": vitals.instance}) is None


async def test_an_error_is_told_as_it_is_even_if_it_looks_like_an_expression(
    db: Database,
) -> None:
    progress = Progress("test")
    progress.failed(ValueError("$$NOW {'$set': 1}"))
    progress.error = "$at"
    vitals = Vitals("test-worker")
    vitals.consumers.append(ConsumerVitals(progress, CollectionMarks(db, "test"), lambda: None))
    async with beating(db, vitals):
        row = await row_of(db, vitals)
    consumers = row["consumers"]
    assert isinstance(consumers, list)
    assert consumers[0]["error"] == "$at"


async def test_parked_requests_are_counted(db: Database) -> None:
    marks = CollectionMarks(db, "parking")
    for request_id in ("CST-2026-0001", "CST-2026-0002"):
        await transact(db, lambda session, r=request_id: marks.park(r, "why", session))
    vitals = Vitals("test-worker")
    vitals.consumers.append(ConsumerVitals(Progress("parking"), marks, lambda: None))
    async with beating(db, vitals):
        await row_of(db, vitals)
        problems = (await survey(db, BOUNDS, Expected())).problems
    assert [(found.part, found.problem) for found in problems] == [
        ("consumer:parking", "parked requests")
    ]


async def test_a_dead_predecessor_is_removed_and_a_living_sibling_is_not(db: Database) -> None:
    dead_pid = next(pid for pid in range(400_000, 500_000) if not psutil.pid_exists(pid))
    dead, sibling = Vitals("twin", pid=dead_pid), Vitals("twin", pid=os.getppid())
    elsewhere = Vitals("twin", pid=dead_pid, host="another")
    rows = db[PROCESSES.name]
    told = [await v.report() | {"at": wall_now()} for v in (dead, sibling, elsewhere)]
    await rows.insert_many(told)
    vitals = Vitals("twin")
    kept = {sibling.instance, elsewhere.instance, vitals.instance}
    async with beating(db, vitals):

        async def buried() -> bool:
            return {row["_id"] async for row in rows.find({"name": "twin"})} == kept

        await wait_until(buried, what="the dead one to go")


async def test_who_says_no_more_is_forgotten_in_the_end(db: Database) -> None:
    indexes = await db[PROCESSES.name].index_information()
    assert indexes["expiry"]["expireAfterSeconds"] == KEPT_S


async def test_without_a_database_a_process_lives_on_and_ends_in_time() -> None:
    nowhere = f"mongodb://127.0.0.1:{free_port()}/?replicaSet=rs0"
    async with (
        open_database(nowhere, "nothing", app="test") as db,
        beating(db, Vitals("test-worker")),
    ):
        watch = SystemWatch(db, BOUNDS, Expected())
        with pytest.raises(Unavailable, match="does not answer"):
            await watch.look()


async def test_an_answer_of_the_last_second_is_good_for_all_who_ask(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is probed, the database is asked once a second."""
    watch = SystemWatch(db, BOUNDS, Expected())
    first = await watch.look()

    async def refused(*_: object, **__: object) -> None:
        raise OperationFailure("asked again")

    monkeypatch.setattr("cst_process.status._server_time", refused)
    assert await watch.look() is first
