"""Schedulers that are killed at random: every step that is due fires once, and none is missed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.verify import verify_all
from cst_mongo.client import Database
from cst_testkit.apps import Api, running_api
from cst_testkit.factories import policy_terms
from cst_testkit.overdue import store_overdue
from cst_testkit.waiting import wait_until

SCHEDULERS = 3
#: Steps of each request, all due: at risk, a notice, a raised priority, overdue, breached.
STEPS = (
    "at_risk:1:24x7",
    "escalation:2:24x7:notify:dispatcher",
    "escalation:3:24x7:raise_priority",
    "overdue:4:24x7",
    "breached",
)
POLICY = policy_terms(
    warn_hours=1,
    target_hours=4,
    breach_threshold_hours=5,
    escalation_steps=[
        {"after_hours": 2, "action": "notify:dispatcher"},
        {"after_hours": 3, "action": "raise_priority"},
    ],
)


@asynccontextmanager
async def schedulers(uri: str, db: Database) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Run ``SCHEDULERS`` processes; those that are there at the end are ended."""
    running = [await _scheduler(uri, db) for _ in range(SCHEDULERS)]
    try:
        yield running
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _scheduler(uri: str, db: Database) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("scheduler_process.py")),
        uri,
        db.name,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def kill_now_and_then(
    uri: str, db: Database, running: list[asyncio.subprocess.Process], kills: int
) -> None:
    """Kill one after the other while they are at work, start others, and wait for the end."""
    rng, left = random.Random(kills), await _left(db)
    for still in range(kills, 0, -1):
        victim = rng.randrange(SCHEDULERS)
        stdout = running[victim].stdout
        assert stdout is not None
        await asyncio.wait_for(stdout.readline(), 60)
        # In the midst of something: while all of them together have done some more.
        goal = left - rng.randint(1, max(1, left // (still + 1)))
        await wait_until(partial(_is_at_most, db, goal), 120, f"{goal} clocks left")
        os.kill(running[victim].pid, signal.SIGKILL)
        await running[victim].wait()
        running[victim] = await _scheduler(uri, db)
        left = await _left(db)
        assert left > 0, "nothing was left to be killed over"
    await wait_until(partial(_is_at_most, db, 0), 300, "no clock left")


async def _is_at_most(db: Database, goal: int) -> bool:
    return await _left(db) <= goal


async def _left(db: Database) -> int:
    return await db["sla_clocks"].count_documents({"next_due_at": {"$type": "date"}})


@pytest.fixture
async def system(mongo_uri: str) -> AsyncIterator[Api]:
    async with running_api(mongo_uri, clock="real") as api:
        yield api


@pytest.mark.parametrize(
    ("requests", "kills"),
    [
        pytest.param(400, 4, id="2000-steps"),
        pytest.param(4000, 25, id="20000-steps", marks=pytest.mark.slow),
    ],
)
async def test_each_step_fires_once_whoever_is_killed(
    system: Api, mongo_uri: str, requests: int, kills: int
) -> None:
    db = system.core.db
    ids = await store_overdue(db, requests, POLICY)
    async with schedulers(mongo_uri, db) as running:
        await kill_now_and_then(mongo_uri, db, running, kills)
    fired = Counter[tuple[str, str]]()
    async for log in db[LOGS.name].find({}, {"event_stream": 1}):
        for event in log["event_stream"]:
            for step in event["changes"].get("sla_fired", [])[-1:]:
                if event["type"] != "created":
                    fired[event["subject"], step["step"]] += 1
    assert fired == Counter({(request_id, step): 1 for request_id in ids for step in STEPS})
    assert await db["notices"].count_documents({}) == requests
    assert await db[REQUESTS.name].count_documents({"priority": "P2"}) == requests
    assert [found async for found in verify_all(db) if not found.ok] == []
