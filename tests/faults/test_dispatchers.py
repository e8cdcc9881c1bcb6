"""Dispatchers that race for the same agents, and are killed at random: nobody gets too much."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cst_dispatch.projections import AgentLoads
from cst_ledger.ledger import LOGS
from cst_ledger.verify import verify_all
from cst_mongo.client import Database
from cst_testkit.apps import Api, running_api
from cst_testkit.crews import person, staff_only, store_triaged

#: Lines that a dispatcher may print before it is killed.
SOON = 12
PATIENCE_S = 600


@dataclass
class Dispatchers:
    """``parts`` processes, each for a part of the requests."""

    uri: str
    db: Database
    parts: int
    running: dict[int, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, part: int) -> None:
        self.running[part] = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__).with_name("dispatcher_process.py")),
            self.uri,
            self.db.name,
            str(part),
            str(self.parts),
            stdout=asyncio.subprocess.PIPE,
        )

    async def kill(self, part: int, after_lines: int) -> bool:
        """Kill a dispatcher after it has said so much, and start it again; False if it ended."""
        process = self.running[part]
        assert process.stdout is not None
        for _ in range(after_lines):
            if not await asyncio.wait_for(process.stdout.readline(), PATIENCE_S):
                return False
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await self.start(part)
        return True

    async def end(self) -> None:
        """Wait until all have done their part."""
        for process in self.running.values():
            await asyncio.wait_for(process.communicate(), PATIENCE_S)
            assert process.returncode == 0


@pytest.fixture
async def system(mongo_uri: str) -> AsyncIterator[Api]:
    async with running_api(mongo_uri, clock="real") as api:
        yield api


@pytest.mark.parametrize(
    ("parts", "requests", "agents", "capacity", "kills"),
    [
        pytest.param(3, 300, 36, 5, 0, id="180-of-300", marks=pytest.mark.slow),
        pytest.param(3, 300, 36, 5, 4, id="180-of-300-with-kills"),
        pytest.param(8, 5000, 300, 10, 0, id="3000-of-5000", marks=pytest.mark.slow),
        pytest.param(8, 5000, 300, 10, 24, id="3000-of-5000-with-kills", marks=pytest.mark.slow),
    ],
)
@pytest.mark.timeout(1800)
async def test_all_the_room_there_is_is_taken_and_no_more(
    system: Api, mongo_uri: str, parts: int, requests: int, agents: int, capacity: int, kills: int
) -> None:
    db, room = system.core.db, agents * capacity
    crews = [person(number, capacity=capacity) for number in range(agents)]
    await staff_only(db, crews)
    ids = await store_triaged(db, requests)
    dispatchers = Dispatchers(mongo_uri, db, parts)
    for part in range(parts):
        await dispatchers.start(part)
    rng, killed = random.Random(requests + kills), 0
    for _ in range(kills):
        killed += await dispatchers.kill(rng.randrange(parts), rng.randint(1, SOON))
    assert killed * 2 >= kills, "they ended before they could be killed"
    await dispatchers.end()
    await assert_shared_out(system, ids, room)
    full = {"kind": "person", "active": True, "open_assignments": capacity, "load_share": 1.0}
    assert await db["service_agents"].count_documents(full) == agents


async def assert_shared_out(system: Api, ids: list[str], room: int) -> None:
    """``room`` of the requests have somebody, the others wait with a reason; all once."""
    db = system.core.db
    told = Counter[tuple[str, str]]()
    async for log in db[LOGS.name].find({}, {"event_stream.type": 1, "event_stream.subject": 1}):
        told.update((event["subject"], event["type"]) for event in log["event_stream"])
    assigned = {subject for subject, kind in told if kind == "assigned"}
    deferred = {subject for subject, kind in told if kind == "assignment_deferred"}
    assert len(assigned) == room
    assert set(ids) == assigned | deferred
    assert max(told.values()) == 1
    waiting = {row["_id"]: row async for row in db["dispatch_queue"].find()}
    assert waiting.keys() == set(ids) - assigned
    assert all(row["reason"] and row["excluded"].get("full") for row in waiting.values())
    assert await AgentLoads(system.core).check() == []
    assert [found async for found in verify_all(db) if not found.ok] == []
