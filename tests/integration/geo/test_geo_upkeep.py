"""Sums of zero go, rows of an earlier version are made anew, and nothing is lost meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from geo_kit import Report, changed, file_reports, follow, happens

from app.registry import PROJECTIONS
from cst_geo_analytics.main import LEASE_TTL_S, _gate
from cst_geo_analytics.projections import upkeep
from cst_geo_analytics.projections.rebuild import GeoProjection
from cst_geo_analytics.projections.stores import SUMS, ProjectionStore
from cst_geo_analytics.projections.upkeep import Upkeep
from cst_mongo.leases import Leases
from cst_process.core import Core
from cst_testkit.waiting import wait_until

CLOSED = datetime(2026, 3, 3, 12, tzinfo=UTC)


async def wrong(core: Core) -> list[str]:
    return await PROJECTIONS["geo"].build(core).check()


async def zeros(core: Core) -> int:
    return sum([await core.db[spec.name].count_documents({"n": 0}) for spec in SUMS])


@pytest.fixture
def own(core: Core) -> Upkeep:
    leases = Leases(core.db, ttl_s=LEASE_TTL_S)
    return Upkeep(ProjectionStore(core.db), GeoProjection(core, _gate(core, leases), leases))


@asynccontextmanager
async def running(loop: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(loop(stop))
    yield
    stop.set()
    await task


def moved_to(category: str) -> object:
    return changed(
        "category_changed", {"from_category": "x", "to_category": category}, category=category
    )


async def test_sums_of_zero_are_swept(core: Core, own: Upkeep) -> None:
    (one,) = await file_reports(core, [Report(public="area", due_at=CLOSED)])
    await happens(core, one, moved_to("graffiti"))
    assert await zeros(core) == 4
    async with running(own.sweep):

        async def swept() -> bool:
            return await zeros(core) == 0

        await wait_until(swept)
    assert [await core.db[spec.name].count_documents({}) for spec in SUMS] == [1, 1, 1, 0, 1]
    assert await wrong(core) == []


async def test_sweeping_beside_consumers_loses_nothing(
    core: Core, own: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests go back and forth between two categories: their sums come and go."""
    monkeypatch.setattr(upkeep, "SWEEP_S", 0.0)
    monkeypatch.setattr(upkeep, "REST", 0.0)
    ids = await file_reports(core, [Report(due_at=CLOSED)] * 2)

    async def back_and_forth(request_id: str) -> None:
        for number in range(25):
            await happens(core, request_id, moved_to(("graffiti", "pothole")[number % 2]))

    async with running(own.sweep):
        await asyncio.gather(*map(back_and_forth, ids))
    assert await wrong(core) == []


async def test_rows_of_an_earlier_version_are_rebuilt_and_their_events_wait(
    core: Core, own: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LOOK_S", 0.05)
    (one,) = await file_reports(core, [Report()])
    await core.db["geo_points"].update_many({}, {"$unset": {"day": 1, "open": 1}})
    for spec in SUMS[1:]:
        await core.db[spec.name].delete_many({})
    following = asyncio.create_task(happens(core, one, moved_to("graffiti")))
    async with running(own.renew):
        await following
    assert await wrong(core) == []
    row = await core.db["geo_points"].find_one({"_id": one})
    assert row is not None
    assert (row["category"], row["open"], row["day"]) == ("graffiti", True, "2026-03-02")


async def test_where_all_is_of_this_version_nothing_is_rebuilt(core: Core, own: Upkeep) -> None:
    ids = await file_reports(core, [Report()])
    async with running(own.renew):
        await follow(core, ids)
    assert await core.db["projection_gates"].count_documents({"epoch": {"$gt": 0}}) == 0
