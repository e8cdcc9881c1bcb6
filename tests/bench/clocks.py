"""A sweep of the clocks among many running ones against one among a hundredth of them.

``python -m tests.bench.clocks --rows 1000000``. What is due is the same in both; most of what runs
is due in days or weeks.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import islice
from typing import Any

from tests.bench.common import Round, compare, prepared, rounds_for, run_bench

from app.system import prepare
from cst_core.clock import wall_now
from cst_process.core import Core, open_core
from cst_sla.repository import SlaRepository
from cst_sla.service import CLAIMED, SlaService
from cst_stack import Endpoints
from cst_testkit.factories import policy_terms
from cst_testkit.overdue import store_overdue

BATCH = 10_000
#: At risk, and nothing more yet.
POLICY = policy_terms(target_hours=12, breach_threshold_hours=24)


def _running(count: int) -> Iterator[dict[str, Any]]:
    """Rows of clocks that have nothing due for at least a day."""
    chance, now = random.Random(count), wall_now()
    for number in range(count):
        due_at = now + timedelta(minutes=chance.randrange(60 * 24, 60 * 24 * 60))
        yield {
            "_id": f"CST-2025-{number:07}",
            "policy_id": "pothole",
            "target_hours": 24,
            "started_at": now,
            "due_at": due_at,
            "breach_at": due_at,
            "stopped_at": None,
            "next_step": "at_risk:18:24x7",
            "next_due_at": due_at,
            "breached_at": None,
            "historic": False,
        }


async def _fill(core: Core, running: int) -> None:
    rows = _running(running)
    while batch := list(islice(rows, BATCH)):
        await core.db["sla_clocks"].insert_many(batch, ordered=False)


async def _sweep(core: Core, due: int, rounds: int) -> Round:
    """Each round has ``due`` requests of its own that have become due since the last."""
    service, clocks = SlaService(core), core.db["sla_clocks"]
    now = core.clock.now()
    waiting = []
    for number in range(rounds):
        ids = await store_overdue(core.db, due, POLICY, first=1 + number * due)
        later = {"$set": {"next_due_at": now + timedelta(days=365)}}
        await clocks.update_many({"_id": {"$in": ids}}, later)
        waiting.append(ids)

    async def work() -> int:
        became_due = {"$set": {"next_due_at": now - timedelta(hours=1)}}
        await clocks.update_many({"_id": {"$in": waiting.pop()}}, became_due)
        fired = 0
        while (looked_at := await service.fire_due()) > 0:
            fired += looked_at
            if looked_at < CLAIMED:
                break
        assert fired == due, (fired, due)
        return due

    return work


async def _explain(core: Core, due: int, running: int) -> None:
    """Print what a look for what is due touches."""
    now = core.clock.now()
    cursor = core.db["sla_clocks"].find(SlaRepository.fallen_due(now + timedelta(minutes=1)))
    plan = await cursor.sort("next_due_at", 1).explain()
    stats = plan["executionStats"]
    print(
        f"  {running:,} running: a look examines {stats['totalKeysExamined']:,} keys and "
        f"{stats['totalDocsExamined']:,} clocks; whole scan: {'COLLSCAN' in str(plan)}"
    )


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    due = max(10, rows // 1000)
    variants: dict[str, Round] = {}
    rounds = rounds_for(rows)
    async with AsyncExitStack() as opened:
        for running in (max(1, rows // 100), rows):
            own = settings.model_copy(update={"mongo_db": f"bench_clocks_{running}"})
            await prepare(own)
            core = await opened.enter_async_context(open_core(own, "bench"))
            await _fill(core, running)
            await store_overdue(core.db, due, POLICY, first=90_000_000)
            await _explain(core, due, running)
            assert await SlaService(core).fire_due() > 0
            while await SlaService(core).fire_due():
                pass
            variants[f"{running:,} clocks running, {due:,} due"] = await _sweep(core, due, rounds)
        await compare(f"sweep, {due:,} due a round", variants, rounds)


if __name__ == "__main__":
    run_bench(__doc__, _run)
