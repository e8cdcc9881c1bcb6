"""Zone summaries are what counting the requests one by one gives."""

from __future__ import annotations

import statistics
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from geo_kit import Report, emptied, file_reports
from insight_kit import NOON, answer, local_day, reports

from cst_process.core import Core
from cst_testkit.apps import Api

WORLD = reports(600, seed=4)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module", autouse=True)
async def world(api: Api) -> dict[str, Report]:
    """Reports by request id."""
    await emptied(api.core)
    return dict(zip(await file_reports(api.core, WORLD), WORLD, strict=True))


async def zones_of(core: Core) -> dict[str, str]:
    """Return the zone of each request, as its document has it."""
    cursor = core.db["service_requests"].find({}, {"request_id": 1, "location.zone_id": 1})
    return {row["request_id"]: row["location"]["zone_id"] async for row in cursor}


def within(at: datetime | None, first: str, last: str) -> bool:
    return at is not None and first <= local_day(at) <= last


def check(row: dict[str, Any], chosen: list[Report], first: str, last: str, now: datetime) -> None:
    """Compare a row with a count of the reports."""
    days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
    ends = date.fromisoformat(first) - timedelta(days=1)
    earlier = (ends - timedelta(days=days - 1)).isoformat(), ends.isoformat()
    still = [r for r in chosen if r.resolved_at is None]
    assert row["open"] == len(still)
    assert row["overdue"] == sum(r.due_at is not None and r.due_at < now for r in still)
    ages = [(now - r.created_at) / HOUR for r in still]
    median = statistics.median(ages) if ages else None
    assert row["median_age_hours"] == pytest.approx(median, abs=0.01)
    for suffix, span in (("", (first, last)), ("_before", earlier)):
        assert row[f"created{suffix}"] == sum(within(r.created_at, *span) for r in chosen)
        done = [r for r in chosen if within(r.resolved_at, *span)]
        assert row[f"resolved{suffix}"] == len(done)
        promised = [r for r in done if r.due_at is not None]
        met = sum(r.resolved_at <= r.due_at for r in promised)  # type: ignore[operator]
        percent = round(100 * met / len(promised), 2) if promised else None
        assert row[f"met_percent{suffix}"] == percent
        if not suffix:
            assert (row["met"], row["missed"]) == (met, len(promised) - met)
        took = [(r.resolved_at - r.created_at) / HOUR for r in done]  # type: ignore[operator]
        found = row[f"median_resolution_hours{suffix}"]
        if took:
            assert found == pytest.approx(statistics.median(took), rel=0.051, abs=0.02)
        else:
            assert found is None


@pytest.mark.parametrize("role", ["supervisor", None])
@pytest.mark.parametrize("days", [1, 30, 45, 90])
async def test_every_zone_is_what_counting_gives(
    api: Api, world: dict[str, Report], days: int, role: str | None
) -> None:
    found = await answer(api, "zones", *([role] if role else []), days=days)
    zones, now = await zones_of(api.core), datetime.fromisoformat(found["generated_at"])
    seen = {k: r for k, r in world.items() if role or r.public == "exact"}
    span = found["first_day"], found["last_day"]
    assert found["last_day"] == local_day(NOON)
    for row in found["zones"]:
        chosen = [r for key, r in seen.items() if zones[key] == row["zone_id"]]
        check(row, chosen, *span, now)
    check(found["totals"], list(seen.values()), *span, now)
    ids = [row["zone_id"] for row in found["zones"]]
    assert ids == sorted(ids)
    assert {"UNKNOWN", *zones.values()} <= set(ids)
    names = {row["zone_id"]: row["name"] for row in found["zones"]}
    assert names["MN01"] is not None
    assert names["UNKNOWN"] is None


async def test_a_category_counts_alone(api: Api, world: dict[str, Report]) -> None:
    found = await answer(api, "zones", "auditor", category="graffiti")
    chosen = [report for report in world.values() if report.category == "graffiti"]
    now = datetime.fromisoformat(found["generated_at"])
    check(found["totals"], chosen, found["first_day"], found["last_day"], now)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 367}, "days"),
        ({"days": "many"}, "days"),
        ({"category": "dragons"}, "category"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    problem = await answer(api, "zones", status=422, **query)
    (error,) = problem["errors"]
    assert error["field"].endswith(field)
    assert "value" in error
