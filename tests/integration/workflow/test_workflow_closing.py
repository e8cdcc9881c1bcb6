"""Closing by itself: after the city's days, once, and never what somebody disputes."""

from __future__ import annotations

import asyncio

import pytest

from cst_core.clock import to_ms
from cst_ledger.events import NewEvent
from cst_testkit.desk import Desk
from cst_testkit.factories import SYSTEM
from cst_testkit.waiting import wait_until
from cst_workflow.closing import ClosingService


async def test_what_nobody_disputed_closes_once_by_any_number_of_processes(desk: Desk) -> None:
    ids = [await desk.reach("resolved") for _ in range(25)]
    assert await ClosingService(desk.later(days=6, hours=23)).close_due() == 0
    later = desk.later(days=7, minutes=5)
    counts = await asyncio.gather(*(ClosingService(later).close_due() for _ in range(3)))
    assert sum(counts) == len(ids)
    for request_id in ids:
        document = await desk.load(request_id)
        assert (document["status"], document["workflow"]["allowed_next"]) == ("closed", [])
        [closed] = [e for e in await desk.events(request_id) if e["type"] == "closed"]
        assert closed["meta"] == {"rule": "dispute_days"}
        assert closed["by"] == {"actor_type": "system", "actor_id": "closing"}
        assert document["resolution_code"] == "fixed"
    assert await ClosingService(later).close_due() == 0


async def test_what_is_disputed_waits(desk: Desk) -> None:
    request_id = await desk.reach("resolved")
    state = {"at": to_ms(desk.api.core.clock.now()), "reason_codes": []}
    disputed = NewEvent("disputed", SYSTEM, changes={"dispute": state}, meta={"reason_codes": []})
    settled = NewEvent(
        "dispute_settled", SYSTEM, changes={"dispute": None}, meta={"outcome": "refused"}
    )
    ledger, later = desk.api.core.ledger("test"), desk.later(days=40)
    await ledger.record(request_id, lambda _: [disputed])
    async with desk.untouched(request_id):
        assert await ClosingService(later).close_due() == 0
    await ledger.record(request_id, lambda _: [settled])
    assert await ClosingService(later).close_due() == 1


async def test_a_duplicate_waits_for_its_master(desk: Desk) -> None:
    master, duplicate = await desk.reach("triaged"), await desk.reach("triaged")
    await desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    agent = await desk.hire()
    for step, fields in (
        ("assigned", {"assigned_agent_id": agent["id"]}),
        ("in_progress", {}),
        ("resolved", {"resolution_code": "fixed"}),
    ):
        assert (await desk.api.step(master, step, **fields)).status_code == 200
    async with desk.untouched(duplicate):
        assert await ClosingService(desk.later(days=8)).close_due() == 1
    assert (await desk.load(master))["status"] == "closed"


async def test_the_loop_closes_what_is_due_until_it_is_stopped(desk: Desk) -> None:
    request_id = await desk.reach("resolved")
    stop = asyncio.Event()
    loop = asyncio.create_task(ClosingService(desk.later(days=8)).run(stop))

    async def is_closed() -> bool:
        return (await desk.load(request_id))["status"] == "closed"

    await wait_until(is_closed, timeout=20)
    stop.set()
    await loop


@pytest.mark.parametrize("by_hand", ["closed", "in_progress"])
async def test_a_step_and_the_loop_at_once_do_not_both_win(easy_desk: Desk, by_hand: str) -> None:
    request_id = await easy_desk.reach("resolved", category="street_light")
    later = easy_desk.later(days=8)
    answer, _ = await asyncio.gather(
        easy_desk.api.step(request_id, by_hand, note="Again"),
        ClosingService(later).close_due(),
    )
    types = await easy_desk.types(request_id)
    if answer.status_code == 200 and by_hand == "in_progress":
        assert "closed" not in types
    else:
        assert types.count("closed") == 1
