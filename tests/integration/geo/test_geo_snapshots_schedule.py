"""Snapshots by schedule: each due time once, whoever looks, whatever dies or fails."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from geo_kit import Report, emptied, file_reports
from snapshots_kit import FEEDS

from cst_core.clock import Clock
from cst_core.errors import Unavailable
from cst_geo_analytics.heatmap.service import Heatmaps
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.stores import BUILT
from cst_geo_analytics.snapshots.maker import SnapshotMaker
from cst_geo_analytics.snapshots.schedule import SnapshotSchedule
from cst_geo_analytics.snapshots.service import Snapshots
from cst_ledger.events import Document
from cst_mongo.leases import Leases
from cst_process.core import Core
from cst_testkit.apps import Api
from cst_testkit.waiting import wait_until

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def _empty(api: Api) -> None:
    await emptied(api.core)


async def planned(api: Api, name: str = "hourly", **fields: Any) -> datetime:
    """Define a feed with a snapshot each hour from now on; return when the first is due."""
    plan = {"title": name, "query": {}, "audience": "public", "every_hours": 1} | fields
    url = f"{FEEDS}/{name}"
    answer = await api.client.put(url, json=plan, headers=api.as_("supervisor"))
    assert answer.status_code in (200, 201), answer.text
    return datetime.fromisoformat(answer.json()["next_at"])


def parts(core: Core, at: datetime) -> tuple[Snapshots, SnapshotSchedule]:
    """Return a replica's snapshots and schedule, with its clock standing at an instant."""
    there = replace(core, clock=Clock(start=at, rate=0, anchor=at))
    gate = Gate(core.db, "geo", [spec.name for spec in BUILT], Leases(core.db))
    snapshots = Snapshots(there, SnapshotMaker(Heatmaps(there, gate)))
    return snapshots, SnapshotSchedule(there, snapshots)


async def stored(core: Core, name: str = "hourly") -> list[Document]:
    return await core.db["geo_feeds"].find({"feed": name}).sort("number", 1).to_list()


async def plan_of(core: Core, name: str = "hourly") -> Document:
    plan = await core.db["geo_feed_plans"].find_one({"_id": name})
    assert plan is not None
    return plan


async def test_what_is_due_is_taken_once_and_then_an_hour_later(api: Api) -> None:
    await file_reports(api.core, [Report()])
    due = await planned(api)
    _, schedule = parts(api.core, due)
    assert await schedule.take_next()
    assert not await schedule.take_next()
    _, early = parts(api.core, due + HOUR - timedelta(milliseconds=1))
    assert not await early.take_next()
    _, later = parts(api.core, due + HOUR)
    assert await later.take_next()
    first, second = await stored(api.core)
    assert (first["due_at"], second["due_at"]) == (due, due + HOUR)
    assert (first["generated_at"], second["generated_at"]) == (due, due + HOUR)
    assert (await plan_of(api.core))["next_at"] == due + 2 * HOUR


async def test_after_an_outage_there_is_one_snapshot_that_says_when_it_was_made(api: Api) -> None:
    due = await planned(api)
    woken = due + timedelta(days=9, minutes=20)
    _, schedule = parts(api.core, woken)
    assert await schedule.take_next()
    assert not await schedule.take_next()
    (one,) = await stored(api.core)
    assert (one["due_at"], one["generated_at"]) == (due, woken)
    assert (await plan_of(api.core))["next_at"] == due + timedelta(days=9, hours=1)


async def test_of_replicas_that_make_the_same_one_alone_stores_it(api: Api) -> None:
    """Past the claims, as after one has run out under somebody slow."""
    due = await planned(api)
    replicas = [parts(api.core, due)[0] for _ in range(6)]
    taken = await asyncio.gather(*(replica.take_due("hourly") for replica in replicas))
    assert len([snapshot for snapshot in taken if snapshot is not None]) == 1
    assert [snapshot["number"] for snapshot in await stored(api.core)] == [1]


async def test_replicas_share_what_is_due(api: Api) -> None:
    dues = [await planned(api, f"feed-{n}") for n in range(8)]
    schedules = [parts(api.core, max(dues))[1] for _ in range(4)]

    async def all_of_it(schedule: SnapshotSchedule) -> None:
        while await schedule.take_next():
            pass

    await asyncio.gather(*(all_of_it(schedule) for schedule in schedules))
    for n in range(8):
        assert len(await stored(api.core, f"feed-{n}")) == 1


async def test_takes_on_demand_beside_the_schedule_have_numbers_of_their_own(api: Api) -> None:
    due = await planned(api)
    replicas = [parts(api.core, due)[0] for _ in range(4)]
    await asyncio.gather(
        *(replica.take("hourly") for replica in replicas),
        *(replica.take_due("hourly") for replica in replicas),
    )
    found = await stored(api.core)
    assert [snapshot["number"] for snapshot in found] == [1, 2, 3, 4, 5]
    assert [s["due_at"] for s in found if s["due_at"] is not None] == [due]
    assert (await plan_of(api.core))["latest"]["number"] == 5


async def test_a_feed_that_fails_says_why_and_goes_on_at_its_next_time(api: Api) -> None:
    due = await planned(api)
    await api.core.db["geo_feed_plans"].update_one({}, {"$set": {"query.category": ["gone"]}})
    _, schedule = parts(api.core, due)
    assert await schedule.take_next()
    assert not await schedule.take_next()
    plan = await plan_of(api.core)
    assert plan["next_at"] == due + HOUR
    staff = api.as_("auditor")
    (shown,) = (await api.client.get(FEEDS, headers=staff)).json()["items"]
    assert "category" in shown["failure"]["detail"]
    (public,) = (await api.client.get(FEEDS)).json()["items"]
    assert public["failure"] is None
    await api.core.db["geo_feed_plans"].update_one({}, {"$set": {"query": {}}})
    assert await parts(api.core, due + HOUR)[1].take_next()
    plan = await plan_of(api.core)
    assert (plan["failure"], plan["taken"]) == (None, 1)


async def test_a_query_that_is_none_any_more_is_a_failure_and_no_crash(api: Api) -> None:
    due = await planned(api)
    await api.core.db["geo_feed_plans"].update_one({}, {"$set": {"query": {"resolution": 77}}})
    assert await parts(api.core, due)[1].take_next()
    assert "query.resolution" in (await plan_of(api.core))["failure"]["detail"]
    url = f"{FEEDS}/hourly/snapshots"
    assert (await api.client.post(url, headers=api.as_("admin"))).status_code == 422


async def test_a_bug_costs_one_feed_one_snapshot(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    due = await planned(api, "broken")
    due = max(due, await planned(api, "sound"))
    snapshots, schedule = parts(api.core, due)
    make = snapshots._maker.make

    async def fails_once(*args: Any) -> Any:
        monkeypatch.setattr(snapshots._maker, "make", make)
        raise ZeroDivisionError

    monkeypatch.setattr(snapshots._maker, "make", fails_once)
    assert await schedule.take_next()
    assert await schedule.take_next()
    assert not await schedule.take_next()
    assert "ZeroDivisionError" in (await plan_of(api.core, "broken"))["failure"]["detail"]
    assert len(await stored(api.core, "sound")) == 1


async def test_an_outage_in_the_midst_holds_up_that_feed_only_and_loses_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = await planned(api, "first")
    due = max(due, await planned(api, "second"))
    snapshots, schedule = parts(api.core, due)
    make = snapshots._maker.make

    async def unreachable(*args: Any) -> Any:
        monkeypatch.setattr(snapshots._maker, "make", make)
        raise Unavailable("no primary")

    monkeypatch.setattr(snapshots._maker, "make", unreachable)
    with pytest.raises(Unavailable):
        await schedule.take_next()
    assert await schedule.take_next()
    assert (await stored(api.core, "first"), len(await stored(api.core, "second"))) == ([], 1)
    assert not await schedule.take_next(), "its claim has yet to run out"
    await api.core.db["geo_feed_plans"].update_one(
        {"_id": "first"}, {"$set": {"claimed_until": None}}
    )
    assert await schedule.take_next()
    (one,) = await stored(api.core, "first")
    assert one["due_at"] <= due


async def test_a_change_while_a_snapshot_is_made_is_not_overrun(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by the schedule, nor by who asks for one: what is stored is what the feed says."""
    due = await planned(api)
    snapshots, schedule = parts(api.core, due)
    make = snapshots._maker.make

    async def changed_meanwhile(*args: Any) -> Any:
        made = await make(*args)
        await planned(api, query={"resolution": 6})
        return made

    monkeypatch.setattr(snapshots._maker, "make", changed_meanwhile)
    assert await schedule.take_next()
    assert await stored(api.core) == []
    monkeypatch.setattr(snapshots._maker, "make", make)
    assert await schedule.take_next()
    (one,) = await stored(api.core)
    assert one["filters"]["resolution"] == 6


async def test_the_geo_worker_takes_what_is_due(api: Api) -> None:
    await planned(api)
    stop = asyncio.Event()
    at = api.core.clock.now()
    running = asyncio.create_task(parts(api.core, at)[1].run(stop))

    async def there() -> bool:
        return len(await stored(api.core)) == 1

    await wait_until(there, 20, "the snapshot")
    stop.set()
    await running


KILLS, KEPT = 5, 366
#: An hour takes 50 ms.
_CLOCK = "2026-03-03T17:00:00Z@72000"
_ARGUMENTS = [sys.executable, str(Path(__file__).with_name("snapshot_process.py"))]


async def test_killed_processes_leave_no_hole_and_nothing_twice(api: Api) -> None:
    await file_reports(api.core, [Report()])
    await planned(api, keep=KEPT, starts_at="2026-03-03T17:00:00Z")
    await api.core.db["clocks"].delete_many({})
    arguments = [*_ARGUMENTS, api.core.settings.mongo_uri, api.core.db.name, _CLOCK]
    rng, plans = random.Random(8), api.core.db["geo_feed_plans"]

    async def reaches(number: int) -> None:
        async def reached() -> bool:
            # A dead process's claim runs out after a while; its end is not what is tested here.
            await plans.update_many({}, {"$set": {"claimed_until": None}})
            taken: int = (await plan_of(api.core))["taken"]
            return taken >= number

        await wait_until(reached, 30, f"snapshot {number}")

    processes = [await asyncio.to_thread(_started, arguments) for _ in range(3)]
    try:
        for _ in range(KILLS):
            await reaches((await plan_of(api.core))["taken"] + rng.randrange(1, 5))
            victim = processes.pop(rng.randrange(3))
            victim.kill()
            victim.wait()
            processes.append(await asyncio.to_thread(_started, arguments))
    finally:
        for process in processes:
            process.kill()
            process.wait()
    found, plan = await stored(api.core), await plan_of(api.core)
    numbers = [snapshot["number"] for snapshot in found]
    assert numbers == list(range(1, plan["taken"] + 1))[-KEPT:]
    dues = [snapshot["due_at"] for snapshot in found]
    assert dues == sorted(set(dues))
    assert all((due - dues[0]) % HOUR == timedelta(0) for due in dues)
    assert plan["next_at"] > dues[-1]
    assert plan["latest"]["number"] == numbers[-1]


def _started(arguments: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process
