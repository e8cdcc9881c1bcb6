"""The heatmap counts what the rows say."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import pytest
from geo_world import NOW as AT
from geo_world import Report, World, asked
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from cst_contracts.enums import OPEN_STATUSES, PRIORITIES, STATUSES
from cst_core.errors import InvalidInput
from cst_geo_analytics.domain.heatmap import (
    LIMITS,
    FormatName,
    Heatmap,
    Hexagon,
    check_size,
    heatmap_of,
)
from cst_geo_analytics.domain.making import Making, feed_name
from cst_geo_analytics.domain.weights import WeightName

NOW = datetime(2026, 3, 3, 17, 30, tzinfo=UTC)


LEAVES = sorted(h3.cell_to_children(h3.latlng_to_cell(40.71, -74.0, 8), 10))[:8]
worlds = st.lists(
    st.builds(
        Report,
        cell=st.sampled_from(LEAVES),
        day=st.sampled_from(("2026-01-31", "2026-02-01", "2026-03-31")),
        category=st.sampled_from(("pothole", "graffiti")),
        public=st.sampled_from(("exact", "area", "none")),
        status=st.sampled_from(STATUSES),
        priority=st.sampled_from(PRIORITIES),
    ),
    max_size=25,
)


def made(rows: list[dict[str, Any]], **given: Any) -> Heatmap:
    making = Making(asked(**given), staff=True, now=NOW)
    for row in rows:
        making.add(row)
    return making.heatmap()


@given(worlds, st.integers(5, 10))
def test_the_staffs_map_counts_every_report(world: list[Report], resolution: int) -> None:
    feed = World(world).answer(asked(resolution=resolution), staff=True).feed()
    expected = Counter(h3.cell_to_parent(report.cell, resolution) for report in world)
    features = feed["geojson"]["features"]
    assert {f["id"]: f["properties"]["count"] for f in features} == expected
    shares = sum(f["properties"]["share"] for f in features)
    assert not features or abs(shares - 1) < 1e-4


@given(
    worlds,
    st.lists(st.sampled_from(STATUSES), max_size=2),
    st.lists(st.sampled_from(PRIORITIES), max_size=2),
    st.sampled_from((None, "2026-02-01")),
)
def test_filters_keep_what_they_say(
    world: list[Report], status: list[str], priority: list[str], day: str | None
) -> None:
    days = {"from": day, "to": day} if day else {}
    query = asked(resolution=8, status=status, priority=priority, **days)
    found = World(world).answer(query, staff=True)
    kept = [
        report
        for report in world
        if (not status or report.status in status)
        and (not priority or report.priority in priority)
        and (not day or report.day == day)
    ]
    assert sum(hexagon.count for hexagon in found.hexagons) == len(kept)


@given(worlds, st.sampled_from(("count", "priority", "priority_age", "sla_risk")))
def test_the_weights_are_what_their_formulas_say(world: list[Report], weight: WeightName) -> None:
    heatmap = World(world).answer(asked(resolution=10, weight=weight), staff=True)
    by_hand: defaultdict[str, float] = defaultdict(float)
    for report in world:
        facts = report.facts
        worth = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}[report.priority]
        is_open = report.status in OPEN_STATUSES
        due_in = (facts.due_at or AT) - AT
        hours = (AT - facts.created_at).total_seconds() / 3600
        by_hand[report.cell] += {
            "count": 1,
            "priority": worth,
            "priority_age": worth * hours * is_open,
            "sla_risk": is_open and due_in < timedelta(hours=24, minutes=30),
        }[weight]
    assert heatmap.formula.startswith(f"{weight}: ")
    found = {hexagon.cell: hexagon.weight for hexagon in heatmap.hexagons}
    for cell in {*found, *by_hand}:
        assert found.get(cell, 0) == pytest.approx(by_hand[cell], abs=0.02)


def test_a_formula_says_until_when_promises_are_at_risk() -> None:
    assert made([], weight="sla_risk").formula.endswith("fall due before 2026-03-04T18:00Z")
    assert made([], weight="sla_risk", risk_hours=1).formula.endswith("before 2026-03-03T19:00Z")


@pytest.mark.parametrize("level", range(5, 11))
def test_pentagons_and_the_antimeridian_have_valid_hexagons(level: int) -> None:
    strange = [*h3.get_pentagons(10), h3.latlng_to_cell(-17.0, 180.0, 10)]
    strange += [h3.latlng_to_cell(lat, 0.0, 10) for lat in (90.0, -90.0)]
    rows = [{"_id": cell, "n": 1, "w": 2, "wt": 0} for cell in strange]
    features = made(rows, resolution=level).feed()["geojson"]["features"]
    assert {f["id"] for f in features} == {h3.cell_to_parent(cell, level) for cell in strange}
    for feature in features:
        assert Polygon(feature["geometry"]["coordinates"][0]).is_valid


def hexagons(count: int) -> tuple[Hexagon, ...]:
    return tuple(Hexagon(cell, 1, 1) for cell in sorted(h3.grid_disk("8a2a1072b59ffff", 9))[:count])


@given(st.integers(0, 30))
def test_a_feed_says_all_that_its_heatmap_does(count: int) -> None:
    heatmap = Heatmap("heatmap-x", NOW, {"a": 1}, "count: n", 10, hexagons(count)).sealed()
    assert heatmap_of(heatmap.feed()) == heatmap
    assert heatmap.cells()["cells"] == [(h.cell, h.weight) for h in heatmap.hexagons]


def test_an_unchanged_heatmap_keeps_its_etag_and_a_changed_one_does_not() -> None:
    old = Heatmap("heatmap-x", NOW, {}, "count: n", 10, hexagons(3)).sealed()
    later = NOW.replace(hour=20)
    assert (
        Heatmap("heatmap-x", later, {}, "count: n", 10, hexagons(3)).sealed().told_as_of(old) is old
    )
    new = Heatmap("heatmap-x", later, {}, "count: n", 10, hexagons(2)).sealed()
    assert new.told_as_of(old) is new
    assert new.etag != old.etag


@pytest.mark.parametrize("form", LIMITS)
def test_too_many_hexagons_are_refused_with_what_helps(form: FormatName) -> None:
    check_size(LIMITS[form], asked(), form)
    with pytest.raises(InvalidInput, match="hexagons") as refused:
        check_size(LIMITS[form] + 1, asked(resolution=10), form)
    (error,) = refused.value.members["errors"]
    assert (error["field"], error["value"]) == ("resolution", 10)
    assert {"a smaller bbox", "a resolution below 10"} <= set(error["allowed"])
    assert ("format=cells" in error["allowed"]) == (form != "cells")


def test_equal_questions_have_one_name_and_others_another() -> None:
    one = asked(category=["pothole", "graffiti"], bbox="-74,40,-73,41")
    same = asked(category=["graffiti", "pothole", "graffiti"], bbox="-74.0,40.0,-73.00,41", zoom=12)
    assert feed_name(one, staff=False) == feed_name(same, staff=False)
    others = [one.model_copy(update=change) for change in ({"weight": "priority"}, {"bbox": None})]
    names = {feed_name(each, staff=staff) for each in (one, *others) for staff in (True, False)}
    assert len(names) == 6
