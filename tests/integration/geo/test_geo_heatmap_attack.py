"""Somebody asks the public heatmap everything, before and after one ``area`` report is filed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import h3
import pytest
from geo_kit import Report, changed, file_reports, happens

from cst_geo_analytics.domain.release import AREA_RESOLUTION
from cst_process.core import Core
from cst_testkit.apps import Api

PATH = "/analytics/geofeeds/heatmap"
QUEENS = h3.latlng_to_cell(40.7282, -73.82, AREA_RESOLUTION)
LAT, LON = h3.cell_to_latlng(QUEENS)
JANUARY, FEBRUARY = datetime(2026, 1, 20, 15, tzinfo=UTC), datetime(2026, 2, 10, 15, tzinfo=UTC)
MARCH = datetime(2026, 3, 2, 15, tzinfo=UTC)
#: Nine at night on 28 February in New York, March in UTC.
LAST_NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)

RAISED = {"from_priority": "P3", "to_priority": "P1"}
OPT_OUT = {"from_public": "exact", "to_public": "area"}


def points(count: int) -> list[tuple[float, float]]:
    """Return different places in the unit's cell."""
    leaves = sorted(h3.cell_to_children(QUEENS, 10))[:: 343 // count][:count]
    return [(lon, lat) for lat, lon in map(h3.cell_to_latlng, leaves)]


def area(at: datetime, point: tuple[float, float], **more: Any) -> Report:
    return Report(point=point, created_at=at, public="area", **more)


def questions() -> Iterator[dict[str, Any]]:
    """Yield what to ask: every resolution, halves of cells, days, filters, weights."""
    halves = [
        f"{LON - 0.1},{LAT - 0.1},{LON + 0.1},{LAT + 0.1}",
        f"{LON},{LAT - 0.1},{LON + 0.1},{LAT + 0.1}",
        f"{LON - 0.1},{LAT - 0.1},{LON},{LAT + 0.1}",
        f"{LON - 1e-6},{LAT - 1e-6},{LON + 1e-6},{LAT + 1e-6}",
    ]
    spans: list[dict[str, str]] = [
        {},
        {"from": "2026-02-01", "to": "2026-02-28"},
        {"from": "2026-03-01"},
        {"from": "2026-03-02", "to": "2026-03-02"},
        {"to": "2026-03-02"},
        {"to": "2026-02-27"},
    ]
    filters: list[dict[str, str]] = [
        {},
        {"category": "pothole"},
        {"status": "new"},
        {"priority": "P3"},
        {"zone_id": "UNKNOWN"},
    ]
    for level in range(5, 11):
        for span, kept in itertools.product(spans if level <= 8 else [{}], filters):
            yield {"resolution": level, **span, **kept}
        for box in halves:
            yield {"resolution": level, "bbox": box}
    for weight, level in itertools.product(("priority", "sla_risk"), (7, 10)):
        yield {"resolution": level, "weight": weight}


async def everything(api: Api) -> list[dict[str, Any]]:
    """Return what the public is answered to every question; when it was made says nothing."""
    found = []
    for question in questions():
        answer = await api.client.get(PATH, params=question)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found.append({name: body[name] for name in ("filters", "geojson", "aggregation")})
    return found


async def seen(api: Api, **params: Any) -> int:
    answer = await api.client.get(PATH, params={"resolution": AREA_RESOLUTION, **params})
    features = answer.json()["geojson"]["features"]
    return sum(f["properties"]["count"] for f in features if f["id"] == QUEENS)


async def world(core: Core) -> None:
    """A released unit of February, one of January that is too small, March one short of a step."""
    five = points(5)
    await file_reports(
        core,
        [
            *(area(FEBRUARY, point) for point in (*five, five[0])),
            *(area(JANUARY, point) for point in five[:3]),
            *(area(MARCH, point) for point in (*five, *five[:4])),
            Report(point=five[0], created_at=MARCH),
            Report(point=five[1], created_at=MARCH, public="none"),
        ],
    )


@pytest.mark.parametrize(
    "hidden",
    [
        area(MARCH, points(5)[2]),
        area(JANUARY, points(5)[0]),
        area(MARCH, points(5)[2], category="graffiti", priority="P1"),
        Report(point=points(5)[1], created_at=FEBRUARY, public="none"),
    ],
    ids=["of this month", "of a unit that is too small", "of another category", "not public"],
)
async def test_one_more_report_changes_no_answer(api: Api, core: Core, hidden: Report) -> None:
    await world(core)
    before = await everything(api)
    [request_id] = await file_reports(core, [hidden])
    assert await everything(api) == before
    # It is there all the same, and what becomes of it is told as little.
    urgent = changed("priority_changed", RAISED, priority="P1")
    await happens(core, request_id, urgent)
    assert await everything(api) == before


async def test_a_unit_is_released_whole_and_rounded_once_its_local_month_is_over(
    api: Api, core: Core
) -> None:
    spots = points(6)
    await file_reports(core, [area(LAST_NIGHT, point) for point in spots[:4]])
    assert await seen(api) == 0
    await file_reports(core, [area(MARCH, spots[4])])  # March does not help February
    assert await seen(api) == 0
    await file_reports(core, [area(LAST_NIGHT, spots[0])] * 3)  # nor does the same place
    assert await seen(api) == 0
    await file_reports(core, [area(LAST_NIGHT, spots[5])])
    assert await seen(api) == 5  # of 8
    assert await seen(api, **{"from": "2026-02-01", "to": "2026-02-28"}) == 5
    assert await seen(api, **{"from": "2026-03-01"}) == 0
    assert await seen(api, category="pothole") == 5
    assert await seen(api, category="graffiti") == 0
    assert await seen(api, status="new") == 0
    answer = await api.client.get(PATH, params={"resolution": AREA_RESOLUTION, "status": "new"})
    filters = answer.json()["filters"]
    assert (filters["area"], "status" in filters["area_note"]) == ("excluded", True)


async def test_an_opt_out_takes_a_report_off_the_map_to_the_point(api: Api, core: Core) -> None:
    [request_id] = await file_reports(core, [Report(point=points(1)[0], created_at=MARCH)])
    assert await seen(api) == 1
    await happens(core, request_id, changed("visibility_changed", OPT_OUT, public="area"))
    assert await seen(api) == 0
    staff = await api.client.get(PATH, params={"resolution": 7}, headers=api.as_("auditor"))
    assert len(staff.json()["geojson"]["features"]) == 1
