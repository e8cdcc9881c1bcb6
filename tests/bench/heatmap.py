"""The heatmap's time among N requests against its time among a hundredth of them, cache off.

``python -m tests.bench.heatmap --rows 1000000``. All worlds occupy the same cells (resolution 10).
In the first two they also fill the same documents of ``geo_cells`` (cell, category, priority), with
one request each and with a hundred each. In the third every request's status and priority is drawn
anew, so that a cell has more documents than among few requests. Beside them, in the same run, what
a map without sums does: as many documents in ``service_requests``, found by a 2dsphere index and
binned on the fly. They hold only what binning needs and have no other index, which favours it.

The same random viewports are asked of all, in turns; of a viewport the median of three counts.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import h3
import numpy as np
from pymongo import GEOSPHERE
from tests.bench.common import prepared, run_bench

from app.system import prepare
from cst_contracts.events import Facts
from cst_geo import Box
from cst_geo_analytics.api.heatmap import json_of
from cst_geo_analytics.domain.projection import GROUPS, Change, Row, moves, row_of
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.heatmap.service import Heatmaps
from cst_geo_analytics.main import heatmaps_of
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database
from cst_process.core import open_core
from cst_stack import Endpoints
from cst_testkit.factories import CREATED_AT

VIEWPORTS, TIMES, BATCH = 200, 3, 10_000
#: Binning on the fly takes seconds each: fewer viewports, and once.
FLY_VIEWPORTS, FLY_TIMES = 10, 1
CATEGORIES = ("pothole", "street_light", "graffiti", "water_leak", "catch_basin")
STATUSES = ("closed",) * 9 + ("new", "triaged", "assigned", "in_progress", "resolved")
PRIORITIES = ("P3",) * 8 + ("P2", "P4")
NEW_YORK = ZoneInfo("America/New_York")
MIDDLE = (40.70, -73.95)
#: A viewport's height in degrees, and the resolution that a web map then asks for.
SIZES = ((0.015, 10), (0.03, 9), (0.06, 8), (0.12, 7), (0.3, 6))
Asked = Callable[[HeatmapQuery], Awaitable[int]]


def _cells(count: int) -> list[str]:
    """Cells side by side, as many as make ``count`` sums of one category each."""
    wanted, rings = max(1, count // len(CATEGORIES)), 0
    middle = h3.latlng_to_cell(*MIDDLE, 10)
    while 3 * rings * (rings + 1) + 1 < wanted:
        rings += 1
    return sorted(h3.grid_disk(middle, rings))[:wanted]


def _requests(count: int, cells: list[str], *, anew: bool) -> Iterator[Row]:
    """Yield rows of the projection; of each sum all alike, unless they are drawn anew."""
    kinds = len(cells) * len(CATEGORIES)
    chance = random.Random(7)
    for number in range(count):
        own = chance if anew else random.Random(number % kinds)
        facts = Facts.model_construct(
            category=CATEGORIES[number // len(cells) % len(CATEGORIES)],
            zone_id="BK01",
            h3=cells[number % len(cells)],
            located=True,
            priority=own.choice(PRIORITIES),
            status=own.choice(STATUSES),
            is_master=True,
            created_at=CREATED_AT - timedelta(minutes=number % 100_000),
            due_at=None,
            resolved_at=None,
            historic=False,
            public="exact",
            source="bench",
        )
        yield row_of(facts, 0, NEW_YORK)


async def _store_sums(db: Database, rows: Iterator[Row]) -> int:
    """Store the sums that the projection makes of the rows; return how many documents they are."""
    total: dict[str, Change] = {}
    while batch := list(islice(rows, BATCH)):
        for key, change in moves((None, row) for row in batch)["geo_cells"].items():
            known = total.setdefault(key, Change(change.row, Counter()))
            known.sums = Counter(known.sums) + Counter(change.sums)
    fields = GROUPS["geo_cells"]
    documents = [
        {"_id": key, **fields(each.row), **_nested(each.sums)} for key, each in total.items()
    ]
    await db["geo_cells"].insert_many(documents, ordered=False)
    return len(documents)


def _nested(sums: Mapping[str, int]) -> dict[str, Any]:
    """Sums as they are stored: in all, and by status."""
    by: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for path, value in sums.items():
        if path.startswith("by."):
            _, status, name = path.split(".")
            by[status][name] = value
    return {name: sums[name] for name in ("n", "w", "wt")} | {"by": dict(by)}


async def _store_requests(db: Database, rows: Iterator[Row]) -> None:
    """Store documents with their places only, and index these."""
    await db[REQUESTS.name].drop()
    chance = random.Random(3)
    while batch := list(islice(rows, BATCH)):
        await db[REQUESTS.name].insert_many([_document(row, chance) for row in batch])
    await db[REQUESTS.name].create_index([("location", GEOSPHERE)])


def _document(row: Row, chance: random.Random) -> dict[str, Any]:
    lat, lon = h3.cell_to_latlng(row["cell"])
    # Somewhere in the cell, or near it.
    point = [lon + chance.uniform(-3e-4, 3e-4), lat + chance.uniform(-3e-4, 3e-4)]
    location = {"type": "Point", "coordinates": point}
    return {"location": location, "public": row["public"], "duplicates": {"is_master": True}}


def _on_the_fly(db: Database) -> Asked:
    """Find the requests in the box and count them by cell."""

    async def ask(query: HeatmapQuery) -> int:
        box = query.box
        assert box is not None
        ring = [
            [box.west, box.south],
            [box.east, box.south],
            [box.east, box.north],
            [box.west, box.north],
            [box.west, box.south],
        ]
        within = {"$geoWithin": {"$geometry": {"type": "Polygon", "coordinates": [ring]}}}
        wanted = {"location": within, "public": "exact", "duplicates.is_master": True}
        cells: Counter[str] = Counter()
        async for row in db[REQUESTS.name].find(wanted, {"_id": 0, "location.coordinates": 1}):
            lon, lat = row["location"]["coordinates"]
            cells[h3.cell_to_parent(h3.latlng_to_cell(lat, lon, 10), query.level)] += 1
        return len(cells)

    return ask


def _from_sums(heatmaps: Heatmaps) -> Asked:
    """Ask for the heatmap as anyone may, past the cache, and write the answer."""

    async def ask(query: HeatmapQuery) -> int:
        return len(json_of(await heatmaps.taken(query, staff=False), "geojson"))

    return ask


def _viewports(cells: list[str]) -> list[HeatmapQuery]:
    chance, found = random.Random(11), []
    for number in range(VIEWPORTS):
        high, level = SIZES[number % len(SIZES)]
        lat, lon = h3.cell_to_latlng(chance.choice(cells))
        box = Box(lon - high, lat - high / 2, lon + high, lat + high / 2)
        text = f"{box.west},{box.south},{box.east},{box.north}"
        found.append(HeatmapQuery(bbox=text, resolution=level))
    return found


async def _timed(ask: Asked, query: HeatmapQuery) -> float:
    start = time.perf_counter()
    await ask(query)
    return time.perf_counter() - start


@dataclass
class World:
    """What is asked, of how many viewports and how often, and how long each viewport took."""

    title: str
    ask: Asked
    viewports: int = VIEWPORTS
    times: int = TIMES
    seconds: list[float] = field(default_factory=list)


async def _measure(worlds: list[World], viewports: list[HeatmapQuery]) -> None:
    for number, query in enumerate(viewports):
        asked = [world for world in worlds if number < world.viewports]
        times = defaultdict[str, list[float]](list)
        for turn in range(TIMES):
            for world in asked:
                if turn < world.times:
                    times[world.title].append(await _timed(world.ask, query))
        for world in asked:
            world.seconds.append(statistics.median(times[world.title]))


def _report(worlds: list[World], rows: int) -> None:
    print(f"\nheatmap over {VIEWPORTS} random viewports, {rows:,} requests, cache off")
    base = float(np.percentile(worlds[0].seconds, 99))
    for world in worlds:
        median, high = (float(np.percentile(world.seconds, share)) for share in (50, 99))
        print(
            f"  {world.title:<64}{median * 1e3:>9.1f} ms median{high * 1e3:>10.1f} ms p99"
            f"   p99 x{high / base:.2f}"
        )


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    few = max(1, rows // 100)
    cells = _cells(few)
    plans = ((few, False, "one each"), (rows, False, "the same sums"), (rows, True, "drawn anew"))
    worlds = list[World]()
    async with AsyncExitStack() as opened:
        for number, (count, anew, how) in enumerate(plans):
            own = settings.model_copy(update={"mongo_db": f"bench_heatmap_{number}"})
            await prepare(own)
            core = await opened.enter_async_context(open_core(own, "bench"))
            sums = await _store_sums(core.db, _requests(count, cells, anew=anew))
            title = f"{count:,} requests, {how}: {len(cells):,} cells, {sums:,} sums"
            worlds.append(World(title, _from_sums(heatmaps_of(core))))
        await _store_requests(core.db, _requests(rows, cells, anew=True))
        fly = f"{rows:,} requests, binned on the fly ({FLY_VIEWPORTS} viewports)"
        worlds.append(World(fly, _on_the_fly(core.db), FLY_VIEWPORTS, FLY_TIMES))
        await _measure(worlds, _viewports(cells))
    _report(worlds, rows)


if __name__ == "__main__":
    run_bench(__doc__, _run)
