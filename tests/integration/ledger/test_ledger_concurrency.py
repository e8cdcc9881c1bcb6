"""Many writers on one request: no gap, no repeat, and each event applied once or refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from cst_core.errors import CstError, StaleVersion, TransitionRefused
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.ledger import Ledger
from cst_ledger.reader import events_of
from cst_ledger.verify import verify_one
from cst_mongo.client import Database
from cst_testkit.factories import SYSTEM
from cst_testkit.histories import AGENT, step

WRITERS = 200
#: Writers that all succeed wait for each other: 60 take some seconds, 200 half a minute.
RECORDS = 60


def outcome(result: Document | BaseException) -> str:
    return type(result).__name__ if isinstance(result, BaseException) else "written"


async def test_of_many_that_take_the_same_step_one_succeeds(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    results = await asyncio.gather(
        *(ledger.record(request_id, lambda _: [step("triaged")]) for _ in range(WRITERS)),
        return_exceptions=True,
    )
    outcomes = sorted(map(outcome, results))
    assert outcomes == [TransitionRefused.__name__] * (WRITERS - 1) + ["written"]
    assert (await ledger.load(request_id))["ledger"]["seq"] == 1


async def test_records_at_once_are_all_written_without_gap(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()

    def reserved(number: int) -> NewEvent:
        return NewEvent("agent_reserved", By("system", str(number)), meta=AGENT)

    await asyncio.gather(
        *(ledger.record(request_id, lambda _, n=n: [reserved(n)]) for n in range(RECORDS))
    )
    events = await events_of(db, (await ledger.load(request_id))["_id"])
    assert [event["seq"] for event in events] == list(range(RECORDS + 1))
    assert {event["by"]["actor_id"] for event in events[1:]} == {str(n) for n in range(RECORDS)}
    assert (await verify_one(db, request_id)).problems == []


async def test_of_many_with_the_same_expected_version_one_succeeds(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    note = "a note brings the version forward"

    async def deferred() -> Document:
        changes = {"assignment.auto_assign_candidate_agents": []}
        event = NewEvent("assignment_deferred", SYSTEM, changes, message=note)
        return await ledger.record(request_id, lambda _: [event], expected_version=1)

    results = await asyncio.gather(*(deferred() for _ in range(50)), return_exceptions=True)
    assert sorted(map(outcome, results)) == [StaleVersion.__name__] * 49 + ["written"]
    assert (await ledger.load(request_id))["version"] == 2


async def test_a_whole_life_raced_by_many_is_lived_once(
    db: Database, ledger: Ledger, create: Callable[..., Any]
) -> None:
    request_id = await create()
    order = ["new", "triaged", "assigned", "in_progress", "resolved", "closed"]

    async def push_on() -> None:
        for _ in order:
            try:
                await ledger.record(
                    request_id,
                    lambda document: [step(order[order.index(document["status"]) + 1])],
                )
            except (CstError, IndexError):
                return

    await asyncio.gather(*(push_on() for _ in range(20)))
    document = await ledger.load(request_id)
    events = await events_of(db, document["_id"])
    assert [event["type"] for event in events] == ["created", *order[1:]]
    assert (await verify_one(db, request_id)).problems == []
