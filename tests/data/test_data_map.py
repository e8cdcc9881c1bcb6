"""The map is what h3 counts: by category, status and day, and after merges and reopenings too.

Nothing expected comes from CST's sums: cells are h3's own, days those that the file writes.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import h3
import httpx
import pytest
from boston_csv import BOSTON, EVERY, REPOSITORY, TIMEOUT, BostonFile
from boston_run import BostonRun

from app.registry import PROJECTIONS
from cst_city.loader import load_city
from cst_city.store import store_city
from cst_core.clock import Clock
from cst_intake.domain.imports import FORMATS, Reference, read_table
from cst_intake.importing import Importer
from cst_mongo.client import Database
from cst_testkit.apps import Api, running_api
from cst_testkit.desk import WAY, Desk
from cst_testkit.pump import Pump

pytestmark = [pytest.mark.data, pytest.mark.timeout(TIMEOUT)]

LEVELS, DAY_RESOLUTION, LARGEST, RANDOM_DAYS = range(5, 11), 8, 6, 20
CHANGES, FILE_END = ("2015-03-08", "2015-11-01"), "2016-02"  # days when the clocks change
FAST = "2016-03-12T12:00:00-05:00@86400"  # a day each second
#: Requests are filed beside every so-many-th row of the file, which nobody may merge.
THIN, FILED, WORKED_ON = 120, 30, 14
CATEGORIES = ("street_light_outages", "pothole_repair_internal")
STEPS = ["merge"] * 17 + ["unmerge"] * 13 + ["reopen"] * 12
OPEN, FIXED = {"$in": WAY[:4]}, {"resolution_code": "fixed"}


class Counted(NamedTuple):
    """What the map counts of a request; ``leaf`` is None where nobody knows the place."""

    leaf: str | None
    day: str
    category: str
    status: str


def leaf_of(point: Sequence[float], located: bool) -> str | None:
    return str(h3.latlng_to_cell(point[1], point[0], 10)) if located else None


def counted(rows: list[Counted], resolution: int, wanted: dict[str, str]) -> Counter[str]:
    found = [row for row in rows if row.leaf is not None]
    for name, value in wanted.items():
        found = [row for row in found if getattr(row, name) == value]
    return Counter(h3.cell_to_parent(row.leaf, resolution) for row in found)


async def shown(client: httpx.AsyncClient, resolution: int, wanted: dict[str, str]) -> Counter[str]:
    """Return the heatmap's cells by count, which is the usual weight."""
    params = {"format": "cells", "resolution": str(resolution), **wanted}
    if day := params.pop("day", None):
        params |= {"from": day, "to": day}
    answer = await client.get("/analytics/geofeeds/heatmap", params=params)
    assert answer.status_code == 200, answer.text
    return Counter(dict(answer.json()["cells"]))


def questions(rows: list[Counted], resolution: int) -> list[dict[str, str]]:
    """Ask for all, for the largest categories, and by some days where the map has days."""
    largest = Counter(row.category for row in rows).most_common(LARGEST)
    asked = [{}, *({"category": name} for name, _ in largest)]
    if resolution > DAY_RESOLUTION:
        return asked
    known = sorted({row.day for row in rows})
    chosen = {*random.Random(resolution).sample(known, RANDOM_DAYS), *CHANGES}
    chosen |= {day for day in known if day > FILE_END}
    return asked + [{"day": day} for day in sorted(chosen)]


async def assert_cells(client: httpx.AsyncClient, rows: list[Counted], resolution: int) -> None:
    """Compare every question's answer, in all and by each status."""
    statuses = [{}, *({"status": status} for status in sorted({row.status for row in rows}))]
    for wanted in (one | status for one in questions(rows, resolution) for status in statuses):
        found = await shown(client, resolution, wanted)
        assert found == counted(rows, resolution, wanted), (resolution, wanted)
        assert found or wanted, "nothing is there at all"


async def assert_sums(db: Database, rows: list[Counted]) -> None:
    """Compare the database's sums by status: of every finest cell, and of every day."""
    cells = Counter((row.leaf, row.category, row.status) for row in rows if row.leaf is not None)
    assert await sums(db, "geo_cells", "cell", "category") == cells
    coarse = {row.leaf: h3.cell_to_parent(row.leaf, 8) if row.leaf else "-" for row in rows}
    by_day = Counter((coarse[row.leaf], *row[1:]) for row in rows)
    assert await sums(db, "geo_days", "cell", "day", "category") == by_day


async def sums(db: Database, name: str, *fields: str) -> Counter[tuple[str, ...]]:
    """Return a collection's sums by ``fields`` and status; none below zero, together ``n``."""
    found = Counter[tuple[str, ...]]()
    async for row in db[name].find():
        by = {status: part.get("n", 0) for status, part in row["by"].items()}
        assert (sum(by.values()), min(by.values()) >= 0) == (row["n"], True), row
        found.update({(*(row[each] for each in fields), status): n for status, n in by.items()})
    return found


@pytest.fixture(scope="module")
def rows(boston_file: BostonFile) -> list[Counted]:
    """The imported rows, their days as the file writes them."""
    with gzip.open(boston_file.path, "rt", encoding="utf-8", newline="") as file:
        opened = [row["OPEN_DT"] for row in islice(csv.DictReader(file), 0, None, EVERY)]
    found = []
    for text, row in zip(opened, boston_file.rows, strict=True):
        leaf = leaf_of(row.point, row.located)
        day = "{2}-{0}-{1}".format(*text.split()[0].split("/"))
        found.append(Counted(leaf, day, row.category, "closed" if row.closed else "new"))
    return found


@pytest.mark.parametrize("resolution", LEVELS)
async def test_the_cells(staff: httpx.AsyncClient, rows: list[Counted], resolution: int) -> None:
    await assert_cells(staff, rows, resolution)


async def test_the_sums(boston: BostonRun, rows: list[Counted]) -> None:
    await assert_sums(boston.db, rows)


@pytest.fixture(scope="module")
async def api(mongo_uri: str, boston_file: BostonFile) -> AsyncIterator[Api]:
    """The API over a Boston of its own, with a part of the file in it."""
    city = load_city(REPOSITORY / "infra/cities/boston", boston_file.zones_path)
    async with running_api(mongo_uri, clock=FAST, city="boston") as api:
        await api.core.db["cities"].delete_many({})
        await store_city(api.core.db, city, Clock())
        form, reference = FORMATS["boston"], Reference(await api.core.catalog.get())
        importer = Importer(api.core, form, reference, reject=print, progress=lambda _: None)
        with gzip.open(boston_file.path, "rt", encoding="utf-8", newline="") as lines:
            await importer.run(read_table(lines, form, every=THIN), batch=100)
        assert importer.tally.rejected == 0
        yield api


@dataclass
class Life:
    """Requests at real points, and what staff do with them, by a seed."""

    desk: Desk
    pump: Pump
    rng: random.Random
    team_id: str

    async def begin(self, points: list[tuple[float, float]]) -> None:
        for number in range(FILED):
            where = {"type": "Point", "coordinates": self.rng.choice(points)}
            await self.desk.api.file(category=CATEGORIES[number % 2], location=where)
        await self.pump.drain()
        for request_id in self.rng.sample(await self.some(is_master=True), WORKED_ON):
            await self.take(request_id, self.rng.choice(WAY[2:5]))

    async def go_on(self) -> None:
        """Take all steps, none of which is refused; the workers come after some of them."""
        for name in self.rng.sample(STEPS, len(STEPS)):
            answer = await getattr(self, name)()
            assert answer.status_code == 200, answer.text
            if self.rng.random() < 0.4:
                await self.pump.drain()
        await self.pump.drain()

    async def merge(self) -> httpx.Response:
        category = self.rng.choice(CATEGORIES)
        masters = await self.some(is_master=True, category=category, status=OPEN)
        one, other = self.rng.sample(masters, 2)
        return await self.desk.post(f"/requests/{one}/merge", master_request_id=other)

    async def unmerge(self) -> httpx.Response:
        """Undo a merge, or what is merged for it."""
        if not await self.some(is_master=False):
            await self.merge()
        one = self.rng.choice(await self.some(is_master=False))
        return await self.desk.post(f"/requests/{one}/unmerge", reason="Another one")

    async def reopen(self) -> httpx.Response:
        """Reopen what is resolved, or resolve something for it, at times its duplicates, too."""
        ended = await self.some(is_master=True, status="resolved")
        one = self.rng.choice(ended or await self.some(is_master=True, status=OPEN))
        await self.take(one, "resolved")
        if self.rng.random() < 0.5:
            await self.pump.drain()
        return await self.desk.api.step(one, "in_progress", note="Not fixed")

    async def some(self, *, is_master: bool, **wanted: Any) -> list[str]:
        """Return the ids of filed requests; imported ones are history."""
        wanted |= {"historic": False, "duplicates.is_master": is_master}
        found = self.desk.api.core.db["service_requests"].find(wanted, {"request_id": 1})
        return sorted([row["request_id"] async for row in found])

    async def take(self, request_id: str, to: str) -> None:
        fields = {"assigned": {"assigned_agent_id": self.team_id}, "resolved": FIXED}
        now = (await self.desk.load(request_id))["status"]
        for step in WAY[WAY.index(now) + 1 : WAY.index(to) + 1]:
            answer = await self.desk.api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text


async def stored(db: Database) -> list[Counted]:
    """Return the masters as ``service_requests`` has them."""
    found = []
    async for row in db["service_requests"].find({"duplicates.is_master": True}):
        leaf = leaf_of(row["location"]["coordinates"], row["location"]["located"])
        day = row["timestamps"]["created_at"].astimezone(BOSTON).date().isoformat()
        found.append(Counted(leaf, day, row["category"], row["status"]))
    return found


async def assert_everything(api: Api) -> None:
    """Compare the map, and the sums behind it, with the requests."""
    rows = await stored(api.core.db)
    assert THIN < len(rows) < await api.stored()
    await assert_sums(api.core.db, rows)
    for resolution in LEVELS:
        await assert_cells(api.client, rows, resolution)


async def test_after_merges_reopenings_and_a_rebuild(api: Api, boston_file: BostonFile) -> None:
    desk, pump = Desk(api), Pump(api.core, ["workflow", "geo"])
    await desk.use_rules("v1.1")
    (team,) = await api.core.db["service_agents"].find({"agent_code": "PWDX-TEAM"}).to_list()
    life = Life(desk, pump, random.Random(8), str(team["_id"]))
    await life.begin([row.point for row in boston_file.located])
    await life.go_on()
    api.client.headers.update(api.as_("supervisor"))
    await assert_everything(api)
    geo = PROJECTIONS["geo"].build(api.core)
    assert await geo.check() == []
    assert await geo.rebuild() == await api.stored()
    await assert_everything(api)
    assert await geo.check() == []
