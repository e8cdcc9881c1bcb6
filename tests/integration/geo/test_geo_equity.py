"""The equity view is what sorting the resolved requests by place gives."""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import timedelta
from typing import Any

import h3
import pytest
from geo_kit import Report, emptied, file_reports
from insight_kit import answer, errors, local_day, reports
from scipy.stats import binom

from cst_testkit.apps import Api

WORLD = reports(900, seed=21)
HOUR = timedelta(hours=1)
MONTHS = {"from": "2026-01", "to": "2026-02"}


@pytest.fixture(scope="module", autouse=True)
async def _world(api: Api) -> None:
    await emptied(api.core)
    await file_reports(api.core, WORLD)


def took(report: Report) -> float | None:
    """Return the hours of a report that was resolved in the months."""
    if (
        report.resolved_at is None
        or not "2026-01" <= local_day(report.resolved_at)[:7] <= "2026-02"
    ):
        return None
    return (report.resolved_at - report.created_at) / HOUR


def check(found: dict[str, Any], hours: list[float]) -> None:
    """Compare a place's median with its requests' hours."""
    assert found["count"] == len(hours)
    assert found["few"] == (len(hours) < 10)
    if found["few"]:
        assert found["median_hours"] is found["low_hours"] is found["high_hours"] is None
        return
    ordered = sorted(hours)
    lower = int(binom.ppf(0.025, len(hours), 0.5))
    low, high = ordered[lower - 1], ordered[len(hours) - lower]
    assert found["low_hours"] <= low + 0.01
    assert found["low_hours"] >= low / 1.051 - 0.02
    assert high - 0.01 <= found["high_hours"] <= high * 1.051 + 0.02
    assert found["median_hours"] == pytest.approx(statistics.median(hours), rel=0.051, abs=0.02)


@pytest.mark.parametrize("role", ["auditor", None])
@pytest.mark.parametrize("resolution", [5, 7, 8])
async def test_every_cell_is_what_its_requests_took(
    api: Api, resolution: int, role: str | None
) -> None:
    found = await answer(api, "equity", *([role] if role else []), resolution=resolution, **MONTHS)
    cells, everywhere = defaultdict[str, list[float]](list), list[float]()
    for report in WORLD:
        hours = took(report) if role or report.public == "exact" else None
        if hours is None:
            continue
        everywhere.append(hours)
        if report.point is not None:
            leaf = h3.latlng_to_cell(report.point[1], report.point[0], 10)
            cells[h3.cell_to_parent(leaf, resolution)].append(hours)
    check(found["city"], everywhere)
    assert [feature["id"] for feature in found["features"]] == sorted(cells)
    for feature in found["features"]:
        check(feature["properties"], cells[feature["id"]])


async def test_zones_are_set_against_the_city(api: Api) -> None:
    found = await answer(api, "equity", "supervisor", **MONTHS)
    assert sum(zone["count"] for zone in found["zones"]) == found["city"]["count"]
    assert {zone["zone_id"] for zone in found["zones"]} >= {"UNKNOWN"}
    city = found["city"]["median_hours"]
    for zone in found["zones"]:
        if zone["few"]:
            assert (zone["ratio"], zone["differs"]) == (None, False)
            continue
        assert zone["ratio"] == pytest.approx(zone["median_hours"] / city, rel=0.01)
        assert zone["differs"] == (not zone["low_hours"] <= city <= zone["high_hours"])
    assert (found["few_below"], found["confidence"]) == (10, 0.95)


async def test_a_slow_zone_differs_and_a_small_one_says_nothing(api: Api) -> None:
    """Among equal ones it is told apart by its interval, whatever its ratio is."""
    made = [
        Report(
            category="dead_animal",
            created_at=WORLD[0].created_at.replace(year=2026, month=1, day=5),
            resolved_at=WORLD[0].created_at.replace(year=2026, month=1, day=5)
            + timedelta(hours=hours + n / 60),
            zone_id=zone,
        )
        for zone, count, hours in (("BK01", 60, 10), ("BK02", 30, 40), ("BK03", 9, 400))
        for n in range(count)
    ]
    await file_reports(api.core, made)
    found = await answer(api, "equity", "auditor", category="dead_animal", **MONTHS)
    zones = {zone["zone_id"]: zone for zone in found["zones"]}
    assert zones["BK02"]["differs"]
    assert zones["BK02"]["ratio"] > 3
    assert not zones["BK01"]["differs"]
    assert zones["BK03"] == {
        **zones["BK03"],
        "few": True,
        "median_hours": None,
        "ratio": None,
        "differs": False,
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-03", "to": "2026-02"}, "from"),
        ({"to": "2026-04"}, "to"),
        ({"from": "2026-13"}, "from"),
        ({"from": "1850-01"}, "from"),
        ({"resolution": 9}, "resolution"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"category": "dragons"}, "category"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    (error,) = errors(await answer(api, "equity", status=422, **query))
    assert error["field"].endswith(field)
    assert str(error["value"]) == str(query[field])
