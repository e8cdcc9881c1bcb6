"""Detection's cost among many stored requests against its cost among a hundredth of them.

``python -m tests.bench.duplicates --rows 1000000``. Most of what is stored is closed, as in a city;
the new reports lie anywhere among it, and every fourth is of something reported just before.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import islice
from typing import Any

from bson import ObjectId
from tests.bench.common import Round, compare, prepared, rounds_for, run_bench

from app.system import prepare
from cst_geo import leaf_cell
from cst_ledger.events import By, NewEvent
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core, open_core
from cst_stack import Endpoints
from cst_testkit.factories import CREATED_AT, request_state
from cst_workflow.duplicates.service import DuplicateWork

REPORTS, BATCH = 200, 5_000
#: Of a hundred stored requests so many are open.
OPEN_PERCENT = 10
CATEGORIES = ("pothole", "street_light", "graffiti", "water_leak", "catch_basin")
#: Brooklyn and Manhattan, roughly.
WEST, SOUTH, EAST, NORTH = -74.02, 40.58, -73.86, 40.80
BENCH = By("system", "bench")


def _place(chance: random.Random) -> tuple[float, float]:
    return chance.uniform(WEST, EAST), chance.uniform(SOUTH, NORTH)


def _state(chance: random.Random, place: tuple[float, float], **overrides: Any) -> dict[str, Any]:
    lon, lat = place
    location = {
        "type": "Point",
        "coordinates": [lon, lat],
        "zone_id": "MN01",
        "h3": leaf_cell(lon, lat),
        "located": True,
        "snapped": False,
    }
    category = chance.choice(CATEGORIES)
    return request_state(location=location, category=category) | overrides


def _stored(count: int) -> Iterator[dict[str, Any]]:
    """Documents as the ledger keeps them; without events, which detection does not read."""
    chance = random.Random(count)
    for number in range(count):
        state = _state(chance, _place(chance))
        age = timedelta(minutes=chance.randrange(60 * 24 * 20))
        state["timestamps"]["created_at"] = CREATED_AT - age
        if chance.randrange(100) >= OPEN_PERCENT:
            state |= {"status": "closed"}
            state["timestamps"]["closed_at"] = CREATED_AT
        head = {"seq": 0, "hash": "0" * 64, "bucket": 0}
        yield {
            "_id": ObjectId(),
            "request_id": f"CST-2026-{number + 1:04}",
            "description": "",
            "version": 1,
            "ledger": head,
            **state,
        }


async def _fill(core: Core, count: int) -> None:
    """Store; what is open may become a master, so it needs a ledger that goes on."""
    stored = _stored(count)
    while batch := list(islice(stored, BATCH)):
        await core.db[REQUESTS.name].insert_many(batch, ordered=False)
        logs = [
            {"request_id": row["_id"], "bucket": 0, "event_stream": [], "last_seq": 0}
            for row in batch
            if row["status"] == "new"
        ]
        if logs:
            await core.db[LOGS.name].insert_many(logs, ordered=False)


async def _report(core: Core, count: int) -> list[str]:
    """File reports through the ledger; their detection is still to come."""
    chance, ledger = random.Random(7), core.ledger("intake")
    ids: list[str] = []
    place = _place(chance)
    for number in range(count):
        place = place if number % 4 == 3 else _place(chance)
        state = _state(chance, place, category="pothole")
        state["timestamps"]["created_at"] = CREATED_AT + timedelta(seconds=number)
        meta = {"channel": "bench", "priority_reason": "bench", "dangerous": False}
        first = NewEvent("created", BENCH, changes=state, meta=meta, message="A hole")
        ids.append(f"CST-2027-{number + 1:04}")

        async def once(session: Session, first: NewEvent = first) -> None:
            await ledger.create(ids[-1], first, session)

        await transact(core.db, once)
    return ids


async def _detect(core: Core, rounds: int) -> Round:
    """One after another, each in a transaction of its own."""
    detection = DuplicateWork(core).detection
    waiting = iter(await _report(core, rounds * REPORTS))

    async def work() -> int:
        for _ in range(REPORTS):
            request_id = next(waiting)
            await transact(core.db, lambda session, r=request_id: detection.detect(r, session))
        return REPORTS

    return work


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    variants: dict[str, Round] = {}
    rounds = rounds_for(rows)
    async with AsyncExitStack() as opened:
        for count in (max(1, rows // 100), rows):
            own = settings.model_copy(update={"mongo_db": f"bench_duplicates_{count}"})
            await prepare(own)
            core = await opened.enter_async_context(open_core(own, "bench"))
            await _fill(core, count)
            variants[f"{count:,} requests stored"] = await _detect(core, rounds)
        await compare(f"detection, {REPORTS} a round", variants, rounds)


if __name__ == "__main__":
    run_bench(__doc__, _run)
