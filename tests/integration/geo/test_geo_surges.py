"""Surges and trends over HTTP, of a history with a quiet and a busy category."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import pytest
from geo_kit import Report, emptied, file_reports
from insight_kit import NOON, answer, errors

from cst_testkit.apps import Api

PLACE, ELSEWHERE = (-73.95, 40.665), (-73.93, 40.68)
CELL = h3.cell_to_parent(h3.latlng_to_cell(PLACE[1], PLACE[0], 10), 7)
TODAY = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


def ago(days: int, hour: float = 0) -> datetime:
    return TODAY - timedelta(days=days) + timedelta(hours=hour)


def history() -> list[Report]:
    """Sixty days: a dead animal every third, and ten potholes a day."""
    rng = random.Random(2)
    quiet = [Report(ELSEWHERE, "dead_animal", created_at=ago(n)) for n in range(1, 61, 3)]
    busy = [
        Report(ELSEWHERE, "pothole", created_at=ago(n, rng.random()))
        for n in range(1, 61)
        for _ in range(8 + rng.randrange(5))
    ]
    return quiet + busy


def today() -> list[Report]:
    storm = [
        Report(PLACE, "tree_emergency", created_at=ago(0, -n / 10), channel="phone")
        for n in range(30)
    ]
    typed_in = [
        Report(PLACE, "graffiti", created_at=ago(0, n / 100), channel="crew") for n in range(40)
    ]
    hidden = [
        Report(PLACE, "heat_hot_water", created_at=ago(0, -n / 10), public="area")
        for n in range(25)
    ]
    usual = [Report(ELSEWHERE, "pothole", created_at=ago(0)) for _ in range(12)]
    return [*storm, *typed_in, *hidden, *usual, Report(None, "tree_emergency", created_at=ago(0))]


@pytest.fixture(scope="module", autouse=True)
async def _world(api: Api) -> None:
    await emptied(api.core)
    await file_reports(api.core, [*history(), *today()])


def units(rows: list[dict[str, Any]]) -> set[tuple[str, str | None, str]]:
    return {(row["scope"], row["key"], row["category"]) for row in rows}


async def test_a_storm_is_a_surge_in_city_zone_and_cell(api: Api) -> None:
    found = await answer(api, "surges", "supervisor", category="tree_emergency")
    assert found["day"] == "2026-03-03"
    assert (found["history_days"], found["history_from"]) == (60, "2026-01-02")
    by_scope = {row["scope"]: row for row in found["surges"]}
    assert by_scope.keys() == {"city", "zone", "cell"}
    city, zone, cell = (by_scope[scope] for scope in ("city", "zone", "cell"))
    assert (city["all_reports"]["count"], cell["all_reports"]["count"]) == (31, 30)
    assert (cell["key"], zone["name"] is not None) == (CELL, True)
    assert h3.latlng_to_cell(cell["center"][1], cell["center"][0], 7) == CELL
    assert city["all_reports"] | {"median": 0, "mean": 0, "most": 0} == city["all_reports"]
    assert city["all_reports"]["probability"] < 1e-20
    assert city["sources"] == {"api": 1, "phone": 30}
    assert city["reasons"] == []
    assert found["not_surges"] == []


async def test_what_crews_typed_in_is_listed_apart_with_its_reasons(api: Api) -> None:
    found = await answer(api, "surges", "supervisor", scope="city")
    (row,) = found["not_surges"]
    assert (row["category"], row["typed_in"]) == ("graffiti", 40)
    assert row["reasons"] == ["staff_entries", "one_hour"]
    assert (row["peak_hour"], row["peak_hour_count"]) == (9, 40)
    assert row["without_typed_in"]["count"] == 0
    assert found["rule"]["staff_sources"] == ["crew"]
    assert units(found["surges"]) == {
        ("city", None, "tree_emergency"),
        ("city", None, "heat_hot_water"),
    }


async def test_the_public_sees_surges_of_what_is_public(api: Api) -> None:
    found = await answer(api, "surges")
    assert {row["category"] for row in found["surges"]} == {"tree_emergency"}
    assert {row["category"] for row in found["not_surges"]} == {"graffiti"}


async def test_an_ordinary_day_has_no_surge(api: Api) -> None:
    for day in ("2026-02-20", "2026-03-02"):
        found = await answer(api, "surges", "supervisor", day=day)
        assert found["surges"] == found["not_surges"] == []
        assert found["tested"] > 0


async def test_without_enough_history_nothing_is_judged(api: Api) -> None:
    found = await answer(api, "surges", "supervisor", day="2026-01-10")
    assert (found["history_days"], found["tested"], found["surges"]) == (8, 0, [])
    found = await answer(api, "surges", "supervisor", day="2020-01-10")
    assert (found["history_days"], found["tested"], found["surges"]) == (0, 0, [])


async def test_a_resolution_and_a_limit_are_kept(api: Api) -> None:
    found = await answer(api, "surges", "supervisor", scope="cell", resolution=5, limit=1)
    (row,) = found["surges"]
    assert h3.get_resolution(row["key"]) == 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"day": "2026-03-04"}, "day"),
        ({"day": "yesterday"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"history": 13}, "history"),
        ({"scope": "street"}, "scope"),
        ({"resolution": 9}, "resolution"),
        ({"category": "dragons"}, "category"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    (error,) = errors(await answer(api, "surges", status=422, **query))
    assert field in error["field"]
    assert str(error["value"]) == str(query[field])


async def test_what_grew_emerges_and_what_ended_fades(api: Api) -> None:
    """Litter baskets for 14 days up to yesterday, catch basins in the 14 before; crews' beside."""
    made = [
        Report(PLACE, category, created_at=ago(days), channel=channel)
        for category, first, channel in (
            ("litter_basket", 1, "api"),
            ("catch_basin", 15, "api"),
            ("street_sign", 1, "crew"),
        )
        for days in range(first, first + 14)
        for _ in range(2)
    ]
    await file_reports(api.core, made)
    found = await answer(api, "trends", "supervisor", days=14, resolution=6)
    assert (found["first_day"], found["last_day"]) == ("2026-02-17", "2026-03-02")
    assert (found["before_from"], found["before_to"]) == ("2026-02-03", "2026-02-16")
    assert {row["category"] for row in found["emerging"]} == {"litter_basket"}
    assert {row["category"] for row in found["fading"]} == {"catch_basin"}
    assert {row["scope"] for row in found["emerging"]} == {"city", "zone", "cell"}
    (city,) = (row for row in found["emerging"] if row["scope"] == "city")
    assert (city["recent"], city["before"], city["ratio"]) == (28, 0, None)
    assert city["probability"] == pytest.approx(2 * 0.5**28, rel=1e-6)
    assert found["tested"] >= 9


async def test_where_there_is_little_history_both_spans_are_shorter(api: Api) -> None:
    found = await answer(api, "trends", "supervisor", days=100)
    # From 2 January to 2 March are 60 days.
    assert (found["before_from"], found["first_day"]) == ("2026-01-02", "2026-02-01")
    old = await answer(api, "trends", "supervisor", to="2020-01-01")
    assert (old["tested"], old["emerging"], old["fading"]) == (0, [], [])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"to": "2026-03-04"}, "to"),
        ({"days": 6}, "days"),
        ({"days": 184}, "days"),
        ({"resolution": 4}, "resolution"),
        ({"category": "dragons"}, "category"),
    ],
)
async def test_wrong_trends_are_named(api: Api, query: dict[str, Any], field: str) -> None:
    (error,) = errors(await answer(api, "trends", status=422, **query))
    assert field in error["field"]


async def test_the_day_is_the_citys(api: Api) -> None:
    assert NOON.date().isoformat() == (await answer(api, "surges", "auditor"))["day"]
