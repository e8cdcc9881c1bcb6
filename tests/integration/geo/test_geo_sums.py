"""Every collection of sums says what the requests say, whatever happens to them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import h3
from geo_kit import Report, changed, file_reports, happens

from app.registry import PROJECTIONS
from cst_geo_analytics.domain.buckets import bucket_of
from cst_ledger.events import Document
from cst_process.core import Core
from cst_process.projection import Projection
from cst_testkit.factories import CREATED_AT

LEAF = "8a2a1072b59ffff"
#: 23:30 on the 28th in New York, half past four on the 1st in UTC.
LATE = datetime(2026, 3, 1, 4, 30, tzinfo=UTC)


def geo(core: Core) -> Projection:
    return PROJECTIONS["geo"].build(core)


async def only(core: Core, name: str) -> Document:
    (found,) = await core.db[name].find({"n": {"$gt": 0}}).to_list()
    return found


async def test_an_open_report_is_in_its_sums(core: Core) -> None:
    due_at = LATE + timedelta(hours=30, minutes=10)
    await file_reports(core, [Report(created_at=LATE, due_at=due_at, public="area")])
    day, promise = await only(core, "geo_days"), await only(core, "geo_promises")
    point, area = await only_row(core), await only(core, "geo_areas")
    assert (day["day"], day["hours"], day["sources"]) == ("2026-02-28", {"23": 1}, {"api": 1})
    assert (point["day"], point["hour"], point["source"]) == ("2026-02-28", 23, "api")
    assert day["cell"] == h3.cell_to_parent(point["cell"], 8)
    assert (day["lat"], day["lon"]) == h3.cell_to_latlng(day["cell"])
    assert (promise["hour"], promise["n"], promise["w"]) == (
        due_at.replace(minute=0, second=0, microsecond=0),
        1,
        2,
    )
    assert (area["month"], area["cell"], area["n"]) == ("2026-02", point["cell"], 1)
    assert await core.db["geo_outcomes"].count_documents({}) == 0
    assert await geo(core).check() == []


async def in_all(core: Core, name: str) -> int:
    return sum([row["n"] async for row in core.db[name].find()])


async def only_row(core: Core) -> Document:
    (found,) = await core.db["geo_points"].find().to_list()
    return found


async def test_a_closed_report_is_an_outcome_of_its_local_month(core: Core) -> None:
    report = Report(created_at=LATE - timedelta(hours=5), due_at=LATE, resolved_at=LATE)
    late = Report(created_at=LATE - timedelta(hours=5), due_at=LATE, resolved_at=LATE, point=None)
    await file_reports(core, [report, late, late])
    found = await core.db["geo_outcomes"].find().sort("n", 1).to_list()
    assert [(o["month"], o["bucket"], o["n"], o["met"]) for o in found] == [
        ("2026-02", bucket_of(300), 1, 1),
        ("2026-02", bucket_of(300), 2, 2),
    ]
    assert found[1]["cell"] == "-"
    assert "lon" not in found[1]
    assert await core.db["geo_promises"].count_documents({"n": {"$gt": 0}}) == 0
    assert await geo(core).check() == []


async def test_a_report_without_a_source_is_of_an_unknown_one(core: Core) -> None:
    await file_reports(core, [Report(channel=None), Report(channel="City.$Worker")])
    sources = Counter[str]()
    async for day in core.db["geo_days"].find():
        sources.update(day["sources"])
    assert sources == {"unknown": 1, "City·§Worker": 1}
    assert await geo(core).check() == []


async def test_what_is_merged_leaves_every_sum_and_comes_back(core: Core) -> None:
    due_at = CREATED_AT + timedelta(hours=9)
    _, other = await file_reports(core, [Report(due_at=due_at, public="area")] * 2)
    names = ("geo_cells", "geo_days", "geo_promises", "geo_areas")
    before = [await in_all(core, name) for name in names]
    link = {"role": "duplicate", "other_request_id": "CST-2026-0001"}
    merged = changed("duplicate_linked", link | {"how": "manual"}, duplicates__is_master=False)
    await happens(core, other, merged)
    assert [await in_all(core, name) for name in names] == [1, 1, 1, 1]
    assert await geo(core).check() == []
    await happens(core, other, changed("duplicate_unlinked", link, duplicates__is_master=True))
    assert [await in_all(core, name) for name in names] == before == [2, 2, 2, 2]
    assert await geo(core).check() == []
