"""The map of promises about to be broken is what counting the open requests gives."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import h3
import pytest
from geo_kit import Report, emptied, file_reports
from insight_kit import EAST, NORTH, SOUTH, WEST, answer, errors, reports

from cst_testkit.apps import Api

WORLD = reports(400, seed=9)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", autouse=True)
async def _world(api: Api) -> None:
    await emptied(api.core)
    await file_reports(api.core, WORLD)


def cell_of(report: Report, resolution: int) -> str | None:
    if report.point is None:
        return None
    lon, lat = report.point
    leaf = h3.latlng_to_cell(lat, lon, 10)
    return str(h3.cell_to_parent(leaf, resolution))


def check(found: dict[str, Any], chosen: Iterable[Report], now: datetime, until: datetime) -> None:
    """Compare a place with a count of its open reports."""
    due, overdue = Counter[str](), Counter[str]()
    coming = list[datetime]()
    for report in chosen:
        if report.due_at is None or report.resolved_at is not None or report.due_at >= until:
            continue
        (overdue if report.due_at < now else due)[report.category] += 1
        if report.due_at >= now:
            coming.append(report.due_at)
    assert (found["due"], found["overdue"]) == (due.total(), overdue.total())
    categories = {row["category"]: (row["due"], row["overdue"]) for row in found["categories"]}
    assert categories == {code: (due[code], overdue[code]) for code in due | overdue}
    if not coming:
        assert found["next_due_at"] is found["hours_to_next"] is None
        return
    following, said = min(coming), datetime.fromisoformat(found["next_due_at"])
    running = now.replace(minute=0, second=0, microsecond=0) + HOUR
    hour = following.replace(minute=0, second=0, microsecond=0)
    assert said == (following if following < running else hour)
    assert found["hours_to_next"] == pytest.approx((said - now) / HOUR, abs=0.01)


@pytest.mark.parametrize("role", ["agent", "dispatcher", None])
@pytest.mark.parametrize(("resolution", "hours"), [(7, 24), (10, 3), (5, 720)])
async def test_every_cell_and_zone_is_what_counting_gives(
    api: Api, resolution: int, hours: int, role: str | None
) -> None:
    roles = [role] if role else []
    found = await answer(api, "sla-risk", *roles, resolution=resolution, hours=hours)
    now, until = (datetime.fromisoformat(found[name]) for name in ("generated_at", "until"))
    assert timedelta(0) < until - now - hours * HOUR <= HOUR
    seen = [r for r in WORLD if role == "dispatcher" or r.public == "exact"]
    check(found["totals"], seen, now, until)
    by_cell = defaultdict[str | None, list[Report]](list)
    for report in seen:
        by_cell[cell_of(report, resolution)].append(report)
    shown = {feature["id"] for feature in found["features"]}
    assert None not in shown
    for cell, chosen in by_cell.items():
        if cell in shown:
            (feature,) = (f for f in found["features"] if f["id"] == cell)
            check(feature["properties"], chosen, now, until)
        elif cell is not None:
            check({"due": 0, "overdue": 0, "categories": [], **NEVER}, chosen, now, until)
    for key in ("due", "overdue"):
        assert sum(zone[key] for zone in found["zones"]) == found["totals"][key]
    ranks = [(-f["properties"]["due"], -f["properties"]["overdue"]) for f in found["features"]]
    assert ranks == sorted(ranks)


NEVER = {"next_due_at": None, "hours_to_next": None}


async def test_a_box_shows_its_cells_and_leaves_zones_alone(api: Api) -> None:
    middle = f"{WEST},{SOUTH},{(WEST + EAST) / 2},{NORTH}"
    whole = await answer(api, "sla-risk", "auditor", resolution=8)
    part = await answer(api, "sla-risk", "auditor", resolution=8, bbox=middle)
    inside = {
        f["id"]
        for f in whole["features"]
        if WEST <= h3.cell_to_latlng(f["id"])[1] < (WEST + EAST) / 2
        and SOUTH <= h3.cell_to_latlng(f["id"])[0] < NORTH
    }
    assert {f["id"] for f in part["features"]} == inside
    assert 0 < len(inside) < len(whole["features"])
    assert part["totals"]["due"] == whole["totals"]["due"]
    assert len(part["zones"]) == len(whole["zones"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"bbox": "-73,40,-74,41"}, "bbox"),
        ({"bbox": "-74,41,-73,40"}, "bbox"),
        ({"bbox": "-274,40,-73,41"}, "bbox"),
        ({"bbox": "here"}, "bbox"),
        ({"resolution": 16}, "resolution"),
        ({"hours": 0}, "hours"),
        ({"hours": 721}, "hours"),
        ({"category": "dragons"}, "category"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    (error,) = errors(await answer(api, "sla-risk", status=422, **query))
    assert error["field"].endswith(field)
    assert str(error["value"]) == str(query[field])
