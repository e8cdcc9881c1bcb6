"""Heatmap and KPIs are sums over the requests, whichever way they are counted."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from typing import Any

import h3
import httpx
import pytest
from boston_csv import TIMEOUT, BostonFile, Row
from boston_run import BostonRun

pytestmark = [pytest.mark.data, pytest.mark.timeout(TIMEOUT)]


async def _get(client: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("resolution", range(5, 11))
async def test_the_heatmap_has_every_located_request(
    staff: httpx.AsyncClient, boston_file: BostonFile, resolution: int
) -> None:
    feed = await _get(staff, "/analytics/geofeeds/heatmap", resolution=resolution)
    shown = {f["id"]: f["properties"]["count"] for f in feed["geojson"]["features"]}
    expected = Counter(h3.cell_to_parent(row.leaf, resolution) for row in boston_file.located)
    assert shown == expected
    assert sum(shown.values()) == len(boston_file.located)


async def test_kpi_totals_are_the_ledgers(staff: httpx.AsyncClient, boston: BostonRun) -> None:
    totals = (await _get(staff, "/analytics/kpis"))["totals"]
    cursor = boston.db["performance_logs"].find({}, {"event_stream.facts": 1})
    facts = [log["event_stream"][-1]["facts"] async for log in cursor]
    assert totals["by_status"] == Counter(fact["status"] for fact in facts)
    assert totals["requests"] == len(facts)
    ended = [fact for fact in facts if fact["resolved_at"] is not None]
    promised = [fact for fact in ended if fact["due_at"] is not None]
    met = sum(fact["resolved_at"] <= fact["due_at"] for fact in promised)
    assert (totals["met"], totals["missed"]) == (met, len(promised) - met)
    minutes = [max(0, (f["resolved_at"] - f["created_at"]).total_seconds() / 60) for f in ended]
    assert totals["mean_resolution_minutes"] == pytest.approx(sum(minutes) / len(ended), abs=0.01)


async def test_kpi_totals_are_the_files(staff: httpx.AsyncClient, boston_file: BostonFile) -> None:
    totals = (await _get(staff, "/analytics/kpis"))["totals"]
    assert totals["by_status"] == boston_file.statuses
    assert totals["open"] == boston_file.statuses["new"]
    verdicts = Counter(row.verdict for row in boston_file.judged)
    assert (totals["met"], totals["missed"]) == (verdicts["met"], verdicts["missed"])


@pytest.mark.parametrize("group", ["category", "department"])
async def test_kpis_by_type_and_department_are_the_files(
    staff: httpx.AsyncClient, boston_file: BostonFile, group: str
) -> None:
    report = await _get(staff, "/analytics/kpis", group_by=group)
    by_key = defaultdict[str, list[Row]](list)
    for row in boston_file.rows:
        by_key[getattr(row, group)].append(row)
    assert {row["key"] for row in report["groups"]} == by_key.keys()
    for found in report["groups"]:
        _compare(found, by_key[found["key"]])


def _compare(found: dict[str, Any], rows: list[Row]) -> None:
    """Compare a group with its rows of the file; times within a minute."""
    verdicts = Counter(row.verdict for row in rows if row.closed and row.target)
    judged = verdicts.total()
    minutes = sorted(row.minutes for row in rows if row.minutes is not None)
    assert (found["requests"], found["resolved"]) == (len(rows), len(minutes)), found["key"]
    assert found["open"] == len(rows) - len(minutes)
    assert (found["met"], found["missed"]) == (verdicts["met"], verdicts["missed"]), found["key"]
    assert found["breaches"] == sum(row.breached for row in rows), found["key"]
    percent = round(100 * verdicts["met"] / judged, 2) if judged else None
    assert found["met_percent"] == percent, found["key"]
    if len(minutes) > 1:
        ninetieth = statistics.quantiles(minutes, n=10, method="inclusive")[-1]
        assert found["median_resolution_minutes"] == pytest.approx(
            statistics.median(minutes), abs=1
        )
        assert found["p90_resolution_minutes"] == pytest.approx(ninetieth, abs=1), found["key"]


async def test_kpis_by_day_are_by_local_day(
    staff: httpx.AsyncClient, boston_file: BostonFile
) -> None:
    report = await _get(staff, "/analytics/kpis", group_by="day")
    assert {row["key"]: row["requests"] for row in report["groups"]} == boston_file.days


async def test_kpis_by_category_and_zone_count_what_has_no_place(
    staff: httpx.AsyncClient, boston_file: BostonFile
) -> None:
    report = await _get(staff, "/analytics/kpis", group_by="category")
    assert {row["key"]: row["requests"] for row in report["groups"]} == boston_file.categories
    report = await _get(staff, "/analytics/kpis", group_by="zone")
    zones = {row["key"]: row["requests"] for row in report["groups"]}
    assert zones["UNKNOWN"] == len(boston_file.rows) - len(boston_file.located)
    assert sum(zones.values()) == len(boston_file.rows)
