"""A short simulation on a running system."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.settings import AppSettings
from cst_core.settings import load_settings
from cst_http.idempotency import IDEMPOTENCY
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, open_database
from cst_mongo.clocks import shared_clock
from cst_simulation.counters import Counters
from cst_simulation.credentials import Credentials
from cst_simulation.driver import Plan, Simulation
from cst_stack.ports import free_port
from cst_testkit.cities import new_york
from cst_testkit.waiting import wait_until

#: Few reports a second: a machine with other work to do must keep up with them.
CLOCK = "2026-11-23T08:00:00-05:00@500"
HOURS, RATE, SEED = 3.0, 45.0, 311
#: A busy machine needs more of the city's hours until work is done: it lives on until then.
MOST_HOURS = 24.0


@dataclass(frozen=True)
class Done:
    """A finished simulation: its counts, the system's database and its command."""

    counters: Counters
    db: Database
    cst: Any
    report: dict[str, Any]


@pytest.fixture(scope="module")
async def done(cst: Any) -> AsyncIterator[Done]:
    cst.env["CST_CLOCK"] = CLOCK
    up = await asyncio.to_thread(cst.run, "up", "--port", str(free_port()))
    assert up.returncode == 0, up.stderr
    report = json.loads(cst.run("status", "--json").stdout)
    settings = load_settings(AppSettings, home=cst.home.root)
    async with open_database(report["mongo_uri"], report["mongo_db"], app="test") as db:
        clock = await shared_clock(db, CLOCK)
        plan = Plan(SEED, RATE, MOST_HOURS, Credentials.of(settings, None))
        simulation = Simulation(report["api_url"], new_york(), clock, plan)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(simulation.run(stop))
            group.create_task(_end_when_work_is_done(simulation, stop))
        yield Done(simulation.counters, db, cst, report)


async def _end_when_work_is_done(simulation: Simulation, stop: asyncio.Event) -> None:
    end = simulation.clock.now() + timedelta(hours=HOURS)

    def done() -> bool:
        counters = simulation.counters
        lived = simulation.clock.now() > end and counters.replayed > 0
        return stop.is_set() or (lived and counters.started > counters.resolved > 0)

    await wait_until(done, MOST_HOURS * 3600 / simulation.clock.rate, "work to be done")
    stop.set()


async def test_each_created_answer_is_a_request(done: Done) -> None:
    counters = done.counters
    assert counters.created > 70
    assert counters.failed == 0, counters.reasons
    assert counters.sent == counters.created + counters.replayed
    assert await done.db[REQUESTS.name].count_documents({}) == counters.created


async def test_a_report_sent_twice_with_its_key_is_one_request(done: Done) -> None:
    assert done.counters.replayed > 0
    keyed = await done.db[IDEMPOTENCY.name].count_documents({})
    assert done.counters.replayed < keyed < done.counters.created
    row = await done.db[IDEMPOTENCY.name].find_one({})
    assert row is not None
    assert await done.db[REQUESTS.name].count_documents({"request_id": row["request_id"]}) == 1


async def test_agents_have_started_and_resolved_work(done: Done) -> None:
    assert done.counters.started > done.counters.resolved > 0
    resolved = {"status": {"$in": ["resolved", "closed"]}, "duplicates.is_master": True}
    assert await done.db[REQUESTS.name].count_documents(resolved) == done.counters.resolved
    one = await done.db[REQUESTS.name].find_one(resolved)
    assert one is not None
    times = one["timestamps"]
    assert times["created_at"] < times["assigned_at"] < times["in_progress_at"]
    assert times["in_progress_at"] < times["resolved_at"]


async def test_times_in_the_database_are_the_simulated_ones(done: Done) -> None:
    start = datetime.fromisoformat(CLOCK.partition("@")[0])
    early = {"timestamps.created_at": {"$lt": start}}
    assert await done.db[REQUESTS.name].count_documents(early) == 0
    last = await done.db[REQUESTS.name].find_one({}, sort=[("timestamps.created_at", -1)])
    assert last is not None
    assert (last["timestamps"]["created_at"] - start).total_seconds() > HOURS * 3600


async def test_the_projections_are_what_the_ledger_says(done: Done) -> None:
    async def so() -> bool:
        ran = await asyncio.to_thread(done.cst.run, "projections", "check")
        said.append(ran.stdout + ran.stderr)
        return bool(ran.returncode == 0)

    said: list[str] = []
    try:
        await wait_until(so, 60, "every projection to be what the ledger says")
    except AssertionError:
        raise AssertionError(said[-1]) from None


async def test_the_kpis_count_every_request(done: Done) -> None:
    async def counted() -> bool:
        return done.counters.created == await done.db["kpi_facts"].count_documents({})

    await wait_until(counted, 60, "the KPIs to hold every request")


async def test_the_ledger_proves_all_of_it(done: Done) -> None:
    audit: subprocess.CompletedProcess[str] = await asyncio.to_thread(
        done.cst.run, "audit", "verify"
    )
    assert audit.returncode == 0, audit.stderr
    assert "every chain holds" in audit.stdout


async def test_the_command_joins_the_running_system_and_its_clock(done: Done) -> None:
    del done.cst.env["CST_CLOCK"]
    ran = await asyncio.to_thread(
        done.cst.run, "simulate", "--duration", "0.6", "--no-agents", "--seed", "7"
    )
    assert ran.returncode == 0, ran.stderr
    assert "Nov 2026" in ran.stdout
    assert "0 failed" in ran.stdout
    assert "at home" in ran.stdout


async def test_another_speed_than_the_clocks_is_refused(done: Done) -> None:
    ran = await asyncio.to_thread(done.cst.run, "simulate", "--speed", "60")
    assert ran.returncode == 1
    assert ran.stderr == "cst: --speed 60: the system's clock (CST_CLOCK) runs at 500\n"


async def test_a_demo_beside_a_running_system_is_refused(done: Done) -> None:
    ran = await asyncio.to_thread(done.cst.run, "demo", "--port", "0")
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith(f"cst: a system runs already at {done.report['api_url']}: ")
    assert ran.stderr.count("\n") == 1
