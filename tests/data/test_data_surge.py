"""Surges of the file's own days: a storm is one, what crews typed in is told apart and said why.

Every row of the two types goes through the projections' own code, whatever part of the file the
other tests import.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import h3
import httpx
import pytest
from boston_csv import BOSTON, REPOSITORY, TIMEOUT, UNKNOWN_POINT, BostonFile
from boston_run import CLOCK, SECRET

from app.registry import APIS
from cst_city.loader import load_city
from cst_city.store import store_city
from cst_contracts.events import Facts
from cst_core.clock import Clock
from cst_core.settings import Settings, load_settings
from cst_geo_analytics.domain.projection import Row, row_of
from cst_geo_analytics.projections.stores import ProjectionStore
from cst_geo_analytics.projections.take_in import take_in
from cst_http.app import create_app
from cst_process.core import open_core
from cst_testkit.databases import fresh_database

pytestmark = [pytest.mark.data, pytest.mark.timeout(TIMEOUT)]

TREES, GRAFFITI = "Tree Emergencies", "PWD Graffiti"
CODES = {TREES: "tree_emergencies", GRAFFITI: "pwd_graffiti"}
STAFF = ["City Worker App", "Employee Generated", "Maximo Integration", "crew"]
STORM, TYPED_IN = "2015-08-04", "2015-01-20"


@dataclass(frozen=True)
class Report:
    """A row of the file: its type, its local time, its source, its point (None: unknown)."""

    type: str
    opened: datetime
    source: str
    point: tuple[float, float] | None
    neighborhood: str

    @property
    def day(self) -> str:
        return self.opened.date().isoformat()

    def row(self) -> Row:
        leaf = None if self.point is None else h3.latlng_to_cell(self.point[1], self.point[0], 10)
        facts = Facts(
            category=CODES[self.type],
            zone_id="UNKNOWN" if self.point is None else self.neighborhood or "UNKNOWN",
            h3=leaf,
            located=leaf is not None,
            priority="P4",
            status="closed",
            is_master=True,
            created_at=self.opened,
            due_at=None,
            historic=True,
            public="exact",
            source=self.source,
        )
        return row_of(facts, 0, BOSTON)


def _report(row: dict[str, str]) -> Report:
    local = datetime.strptime(row["OPEN_DT"], "%m/%d/%Y %I:%M:%S %p")
    point = (float(row["LONGITUDE"]), float(row["LATITUDE"]))
    return Report(
        type=row["TYPE"],
        opened=local.replace(tzinfo=BOSTON),
        source=row["Source"],
        point=None if point == UNKNOWN_POINT else point,
        neighborhood=row["neighborhood"],
    )


@pytest.fixture(scope="module")
def reports(boston_file: BostonFile) -> list[Report]:
    """Every row of the two types."""
    with gzip.open(boston_file.path, "rt", encoding="utf-8", newline="") as file:
        return [_report(row) for row in csv.DictReader(file) if row["TYPE"] in CODES]


@pytest.fixture(scope="module")
async def staff(
    mongo_uri: str, boston_file: BostonFile, reports: list[Report]
) -> AsyncIterator[httpx.AsyncClient]:
    """A supervisor's client of the API over the reports."""
    city = load_city(REPOSITORY / "infra/cities/boston", boston_file.zones_path)
    async with fresh_database(mongo_uri) as db:
        await store_city(db, city, Clock())
        rows = [(f"CST-2015-{n:06}", report.row()) for n, report in enumerate(reports)]
        for start in range(0, len(rows), 500):
            await take_in(ProjectionStore(db), rows[start : start + 500])
        settings = load_settings(
            Settings,
            _env_file=None,
            mongo_uri=mongo_uri,
            mongo_db=db.name,
            city="boston",
            clock=CLOCK,
            auth_secret=SECRET,
        )
        app = create_app("test", list(APIS.values()), lambda: open_core(settings, "test"))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://cst.test") as client,
        ):
            token = app.state.tokens.issue("tester", ["supervisor"], ttl=timedelta(hours=1))
            client.headers["Authorization"] = f"Bearer {token}"
            yield client


async def surges(client: httpx.AsyncClient, day: str, **query: Any) -> dict[str, Any]:
    answer = await client.get("/analytics/surges", params={"day": day, **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def of_day(reports: list[Report], kind: str, day: str) -> list[Report]:
    return [report for report in reports if (report.type, report.day) == (kind, day)]


async def test_the_storm_is_a_surge(staff: httpx.AsyncClient, reports: list[Report]) -> None:
    found = await surges(staff, STORM, scope="city", history=365)
    (row,) = found["surges"]
    storm = of_day(reports, TREES, STORM)
    assert (row["category"], row["all_reports"]["count"]) == ("tree_emergencies", len(storm))
    assert len(storm) == 87
    assert row["all_reports"]["median"] == 1
    assert row["all_reports"]["ratio"] > 20
    assert row["all_reports"]["probability"] < 1e-12
    assert row["sources"] == Counter(report.source for report in storm)
    assert row["typed_in"] == sum(report.source in STAFF for report in storm) == 6
    assert row["without_typed_in"]["count"] == 81
    assert row["without_typed_in"]["probability"] < 1e-12
    assert found["not_surges"] == []


async def test_what_crews_typed_in_is_none_and_the_answer_says_why(
    staff: httpx.AsyncClient, reports: list[Report]
) -> None:
    found = await surges(staff, TYPED_IN, scope="city")
    assert found["surges"] == []
    (row,) = found["not_surges"]
    entered = of_day(reports, GRAFFITI, TYPED_IN)
    assert row["category"] == "pwd_graffiti"
    assert row["all_reports"]["count"] == len(entered) == 396
    assert row["sources"] == Counter(report.source for report in entered)
    assert (row["sources"]["City Worker App"], row["typed_in"]) == (393, 393)
    assert (row["peak_hour"], row["peak_hour_count"]) == (7, 393)
    assert row["reasons"] == ["staff_entries", "one_hour"]
    assert row["without_typed_in"]["count"] == 3
    assert row["without_typed_in"]["probability"] > found["rule"]["max_probability"]
    assert found["rule"]["staff_sources"] == STAFF


@pytest.mark.parametrize("resolution", [5, 6, 7, 8])
async def test_so_it_is_in_zones_and_in_cells_of_every_size(
    staff: httpx.AsyncClient, reports: list[Report], resolution: int
) -> None:
    storm = await surges(staff, STORM, scope="cell", resolution=resolution, limit=500)
    shown = {row["key"]: row["all_reports"]["count"] for row in storm["surges"]}
    placed = [r.row() for r in of_day(reports, TREES, STORM) if r.point is not None]
    counted = Counter(h3.cell_to_parent(row["cell"], resolution) for row in placed)
    assert shown
    assert shown == {cell: counted[cell] for cell in shown}
    assert shown[counted.most_common(1)[0][0]] == counted.most_common(1)[0][1]
    typed_in = await surges(staff, TYPED_IN, scope="cell", resolution=resolution, limit=500)
    assert typed_in["surges"] == []
    assert all("staff_entries" in row["reasons"] for row in typed_in["not_surges"])
    zones = await surges(staff, TYPED_IN, scope="zone")
    assert zones["surges"] == []
    assert len(zones["not_surges"]) >= 10


async def test_over_the_year_few_days_are_surges(
    staff: httpx.AsyncClient, reports: list[Report]
) -> None:
    """Of all days with more than four tree emergencies, and of crews' graffiti none in January."""
    days = sorted(
        {r.day for r in reports if len(of_day(reports, r.type, r.day)) > 4 and r.day > "2015-01-15"}
    )
    found = dict[str, list[str]]()
    for day in days:
        for row in (await surges(staff, day, scope="city"))["surges"]:
            found.setdefault(row["category"], []).append(day)
    assert found["tree_emergencies"] == ["2015-08-04", "2015-08-05"]
    assert len(found.get("pwd_graffiti", [])) <= 2
    assert TYPED_IN not in found.get("pwd_graffiti", [])
    assert len(days) > 100
