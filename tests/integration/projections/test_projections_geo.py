"""Geo from the ledger: what the consumer makes, event by event, is what a rebuild makes at once."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projections_kit import delivered, emptied, projection, shuffled, stored, stories

from cst_geo_analytics.projections.stores import BUILT, staged_specs
from cst_ledger.events import Document, NewEvent
from cst_process.core import Core
from cst_testkit.apps import Api
from cst_testkit.factories import SYSTEM, created_event
from cst_testkit.histories import AGENT, histories, step

LIVE = [spec.name for spec in BUILT]
RESERVED = NewEvent("agent_reserved", SYSTEM, meta=AGENT)


@pytest.fixture
async def core(api: Api) -> Core:
    await emptied(api.core)
    return api.core


async def contents(core: Core) -> list[list[Document]]:
    """Return the projections as they are, without sums that have become zero."""
    found = []
    for name in LIVE:
        rows = await core.db[name].find().sort("_id", 1).to_list()
        found.append([_without_zeros(row) for row in rows if row.get("n") != 0])
    return found


def _without_zeros(row: Document) -> Document:
    """Leave out what is nothing of sums, also below; numbers of rows are no sums."""
    if "seq" in row:
        return row
    kept = {k: _without_zeros(v) if isinstance(v, dict) else v for k, v in row.items()}
    return {name: value for name, value in kept.items() if value not in (0, {})}


async def handled(core: Core, *histories: list[NewEvent], chunk: int = 7, seed: int = 1) -> None:
    """Write histories and let the consumer handle them."""
    for history in histories:
        await stored(core, history)
    records = shuffled(await stories(core), random.Random(seed))
    await delivered(core, "geo", records, chunk)


@settings(max_examples=15)
@given(
    many=st.lists(histories(max_side_events=1), min_size=1, max_size=5),
    chunk=st.integers(1, 30),
    seed=st.integers(0, 2**32),
)
async def test_what_the_consumer_makes_is_what_the_ledger_says(
    api: Api, many: list[list[NewEvent]], chunk: int, seed: int
) -> None:
    """In any order between requests, in batches of any size, with repeats."""
    await emptied(api.core)
    await handled(api.core, *many, chunk=chunk, seed=seed)
    assert await projection(api.core, "geo").check() == []
    before = await contents(api.core)
    assert await projection(api.core, "geo").rebuild() == len(many)
    assert await contents(api.core) == before


async def test_what_is_wrong_is_named_and_rebuilt(core: Core) -> None:
    await handled(core, [created_event()], [created_event(), step("triaged")])
    points = core.db["geo_points"]
    one, other = [row["_id"] async for row in points.find().sort("_id", 1)]
    await points.update_one({"_id": one}, {"$set": {"status": "closed"}})
    await points.delete_one({"_id": other})
    await points.insert_one({"_id": "CST-2026-0000", "seq": 0, "status": "new"})
    await core.db["geo_cells"].update_one({}, {"$inc": {"n": 2}})
    lines = await projection(core, "geo").check()
    assert f"geo_points {one}: status is closed, by the ledger new" in lines
    assert f"geo_points {other}: is missing" in lines
    assert "geo_points CST-2026-0000: has no place in the ledger" in lines
    assert [line for line in lines if line.endswith("n is 4, by the ledger 2")]
    assert len(lines) == 4
    assert await projection(core, "geo").rebuild() == 2
    assert await projection(core, "geo").check() == []


async def test_a_check_changes_nothing_and_leaves_nothing_behind(core: Core) -> None:
    await handled(core, [created_event()])
    await core.db["geo_points"].update_one({}, {"$set": {"status": "closed"}})
    before, names = await contents(core), set(await core.db.list_collection_names())
    assert len(await projection(core, "geo").check()) == 1
    assert await contents(core) == before
    assert set(await core.db.list_collection_names()) - names <= {"projection_gates", "leases"}


async def test_rebuilt_collections_have_their_indexes(core: Core) -> None:
    before = [await core.db[name].index_information() for name in LIVE]
    await handled(core, [created_event()])
    await projection(core, "geo").rebuild()
    assert [await core.db[name].index_information() for name in LIVE] == before
    assert not [n for n in await core.db.list_collection_names() if "__next" in n]


async def test_history_in_many_buckets_counts_its_last_step(core: Core) -> None:
    await stored(core, [created_event(), *[RESERVED] * 120, step("triaged"), *[RESERVED] * 120])
    assert await projection(core, "geo").rebuild() == 1
    row = await core.db["geo_points"].find_one()
    assert row is not None
    assert (row["seq"], row["status"]) == (121, "triaged")


async def test_events_handled_before_a_rebuild_are_not_applied_again(core: Core) -> None:
    """Nor are those that the rebuild took from the ledger before the consumer came to them."""
    await handled(core, [created_event(), step("triaged")])
    await stored(core, [created_event(), step("triaged")])
    await projection(core, "geo").rebuild()
    records = shuffled(await stories(core), random.Random(3))
    await delivered(core, "geo", records)
    assert await projection(core, "geo").check() == []


async def test_nothing_is_parked_after_a_rebuild(core: Core) -> None:
    """A rebuilt row has taken in the poisonous event too, from the ledger."""
    await handled(core, [created_event()])
    await core.db["geo_points"].update_one({}, {"$set": {"parked": True}})
    assert [line.split(": ")[1] for line in await projection(core, "geo").check()] == [
        "parked is True, by the ledger None"
    ]
    await projection(core, "geo").rebuild()
    assert await core.db["geo_points"].count_documents({"parked": True}) == 0
    assert await projection(core, "geo").check() == []


@pytest.mark.parametrize("consumers", [1, 3])
async def test_a_rebuild_beside_live_consumers_loses_nothing(core: Core, consumers: int) -> None:
    """Rebuilds run one after another for as long as consumers handle what is being written."""
    stop = asyncio.Event()

    async def live(name: int) -> None:
        rng = random.Random(name)
        for _ in range(25):
            steps = [step("triaged"), step("assigned"), step("in_progress")][: rng.randrange(4)]
            request_id = await stored(core, [created_event(), *steps])
            story = [s for s in await stories(core) if s[0]["subject"] == request_id]
            await delivered(core, "geo", shuffled(story, rng), chunk=3)

    async def rebuilding() -> int:
        count = 0
        while not stop.is_set():
            await projection(core, "geo").rebuild()
            count += 1
        return count

    rebuilds = asyncio.create_task(rebuilding())
    await asyncio.gather(*(live(number) for number in range(consumers)))
    stop.set()
    assert await rebuilds >= 1
    assert await core.db["geo_points"].count_documents({}) == 25 * consumers
    assert await projection(core, "geo").check() == []


def test_staged_collections_are_named_apart() -> None:
    assert [spec.name for spec in staged_specs("__next_7")] == [f"{n}__next_7" for n in LIVE]
