"""No public answer, and no difference of public answers, tells of a single ``area`` report."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import pytest
from geo_world import NOW, ZONE, Report, World, asked
from hypothesis import given, settings
from hypothesis import strategies as st

from cst_contracts.enums import PRIORITIES, STATUSES
from cst_geo_analytics.domain.heatmap import Heatmap
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.domain.release import (
    AREA_RESOLUTION,
    K_PLACES,
    STEP,
    left_out_for,
    month_lasts,
    released,
)

CATEGORIES = ("pothole", "graffiti")
#: A unit's cell and its neighbours, and places in each: fewer than all of them make a unit.
UNITS = sorted(h3.grid_disk(h3.latlng_to_cell(40.73, -73.95, AREA_RESOLUTION), 1))[:4]
PLACES = [sorted(h3.cell_to_children(cell, 10))[:: 343 // 8][:7] for cell in UNITS]
PAST_DAYS = ("2026-01-31", "2026-02-01", "2026-02-15", "2026-02-28")
TODAY = "2026-03-31"

places = st.sampled_from(list(itertools.chain(*PLACES)))
reports = st.builds(
    Report,
    cell=places,
    day=st.sampled_from((*PAST_DAYS, "2026-03-01", TODAY)),
    category=st.sampled_from(CATEGORIES),
    public=st.sampled_from(("area", "area", "area", "exact", "none")),
    status=st.sampled_from(STATUSES),
    priority=st.sampled_from(PRIORITIES),
    zone_id=st.sampled_from(("MN01", "UNKNOWN")),
)


@st.composite
def full_units(draw: st.DrawFn) -> list[Report]:
    """Draw a unit that is released, or will be after its month."""
    cells, day = draw(st.sampled_from(PLACES)), draw(st.sampled_from((*PAST_DAYS, TODAY)))
    category = draw(st.sampled_from(CATEGORIES))
    extra = draw(st.lists(st.sampled_from(cells), max_size=9))
    return [Report(cell, day, category) for cell in (*cells[:K_PLACES], *extra)]


#: Reports here and there, and some units that are released.
worlds = st.builds(
    lambda some, units: [*some, *itertools.chain(*units)],
    st.lists(reports, max_size=20),
    st.lists(full_units(), max_size=4),
)


def boxes() -> list[str | None]:
    """Return boxes that cut units, places and cells of every resolution in halves."""
    found: list[str | None] = [None]
    for cell in (UNITS[0], *(h3.cell_to_parent(UNITS[0], level) for level in (5, 6))):
        lat, lon = h3.cell_to_latlng(cell)
        ring = h3.cell_to_boundary(cell)
        west, east = min(c[1] for c in ring), max(c[1] for c in ring)
        south, north = min(c[0] for c in ring), max(c[0] for c in ring)
        found += [
            f"{west},{south},{lon},{north}",
            f"{lon},{south},{east},{north}",
            f"{west},{south},{east},{lat}",
            f"{lon - 1e-7},{lat - 1e-7},{lon + 1e-7},{lat + 1e-7}",
        ]
    lat, lon = h3.cell_to_latlng(PLACES[0][0])
    return [*found, f"{lon - 1e-4},{lat - 1e-4},{lon + 1e-4},{lat + 1e-4}"]


SPANS: tuple[dict[str, str], ...] = (
    {},
    {"from": "2026-02-01"},
    {"to": "2026-02-28"},
    {"from": "2026-02-01", "to": "2026-02-28"},
    {"from": "2026-02-01", "to": "2026-02-27"},
    {"from": "2026-02-15"},
    {"from": "2026-03-01", "to": "2026-03-31"},
    {"from": TODAY},
    {"to": "2026-03-30"},
)
FILTERS: tuple[dict[str, Any], ...] = (
    {},
    {"category": ["pothole"]},
    {"category": ["graffiti", "pothole"]},
    {"status": ["new"]},
    {"priority": ["P1", "P2"]},
    {"zone_id": ["MN01"]},
)


def questions() -> list[HeatmapQuery]:
    """Return what somebody may ask who wants to find out about one report."""
    found = []
    for level, span, filters in itertools.product(range(5, 11), SPANS, FILTERS):
        if span and level > 8:
            continue
        found.append(asked(resolution=level, **span, **filters))
    for level, box in itertools.product(range(5, 11), boxes()):
        found.append(asked(resolution=level, bbox=box))
    for weight, filters in itertools.product(("priority", "priority_age", "sla_risk"), FILTERS):
        if not (weight == "sla_risk" and "status" in filters):
            found.append(asked(resolution=7, weight=weight, **filters))
    return found


QUESTIONS = questions()


def told(world: World) -> list[Heatmap]:
    """Return every answer; what is equal here is equal to the last byte."""
    return [world.answer(question) for question in QUESTIONS]


@settings(max_examples=12)
@given(worlds, reports)
def test_one_more_report_of_a_running_month_is_told_by_no_answer(
    world: list[Report], one: Report
) -> None:
    hidden = replace(one, day=TODAY, public="area")
    cells = next(cells for cells in PLACES if one.cell in cells)
    # The unit is one report short of its next step: would it be released, then it would move.
    others = [report for report in world if report.day != TODAY or report.cell not in cells]
    unit = [replace(hidden, cell=cell) for cell in cells[:K_PLACES]]
    short = [*others, *(unit * 2)[: 2 * STEP - 1]]
    assert told(World(short)) == told(World([*short, hidden]))


@settings(max_examples=12)
@given(worlds, st.sampled_from(PAST_DAYS), places, st.sampled_from(CATEGORIES))
def test_one_more_report_of_a_unit_that_stays_too_small_is_told_by_no_answer(
    world: list[Report], day: str, place: str, category: str
) -> None:
    unit = h3.cell_to_parent(place, AREA_RESOLUTION), day[:7], category
    seen = {
        report.cell
        for report in world
        if report.public == "area"
        and unit
        == (h3.cell_to_parent(report.cell, AREA_RESOLUTION), report.day[:7], report.category)
    }
    if len(seen | {place}) >= K_PLACES:
        world = [report for report in world if report.cell not in seen]
    one = Report(place, day, category)
    assert told(World(world)) == told(World([*world, one]))


@settings(max_examples=12)
@given(worlds, reports)
def test_what_is_not_public_is_told_by_no_answer(world: list[Report], one: Report) -> None:
    assert told(World(world)) == told(World([*world, replace(one, public="none")]))


@given(worlds, st.sampled_from(range(len(UNITS))), st.sampled_from(PAST_DAYS))
def test_a_released_unit_moves_by_whole_steps(world: list[Report], unit: int, day: str) -> None:
    """So who knows all reports of a unit but one does not learn from one answer that there is."""
    full = [*world, *(Report(cell, day) for cell in PLACES[unit])]
    more = [*full, Report(PLACES[unit][0], day)]
    for question in (asked(resolution=level, **span) for level in (5, 6, 7) for span in SPANS):
        before = {h.cell: h.count for h in World(full).answer(question).hexagons}
        after = {h.cell: h.count for h in World(more).answer(question).hexagons}
        moved = {after[cell] - before.get(cell, 0) for cell in after}
        assert moved <= {0, STEP}


@given(worlds, st.integers(5, 10))
def test_a_box_cuts_no_cell(world: list[Report], level: int) -> None:
    reports = World(world)
    whole = set(reports.answer(asked(resolution=level)).hexagons)
    for box in boxes():
        assert set(reports.answer(asked(resolution=level, bbox=box)).hexagons) <= whole


@given(worlds)
def test_coarser_cells_add_up_finer_ones(world: list[Report]) -> None:
    reports = World(world)
    for coarse, fine in ((5, 6), (6, 7)):
        sums: dict[str, int] = {}
        for hexagon in reports.answer(asked(resolution=fine)).hexagons:
            cell = h3.cell_to_parent(hexagon.cell, coarse)
            sums[cell] = sums.get(cell, 0) + hexagon.count
        found = {h.cell: h.count for h in reports.answer(asked(resolution=coarse)).hexagons}
        assert found == sums


def counts(world: list[Report], **given: Any) -> dict[str, int]:
    return {h.cell: h.count for h in World(world).answer(asked(**given)).hexagons}


def test_a_unit_needs_its_month_over_and_enough_places() -> None:
    def unit(number: int, day: str) -> list[Report]:
        return [Report(cell, day) for cell in PLACES[0][:number]]

    assert counts(unit(K_PLACES, "2026-02-28"), resolution=7) == {UNITS[0]: 5}
    assert counts(unit(K_PLACES - 1, "2026-02-28") * 9, resolution=7) == {}
    assert counts(unit(7, TODAY), resolution=7) == {}
    both = [*unit(4, "2026-02-28"), *unit(4, "2026-01-31")]
    assert counts(both, resolution=7) == {}
    assert counts([*unit(5, "2026-02-28"), *unit(6, "2026-01-31")], resolution=7) == {UNITS[0]: 10}
    assert counts(unit(7, "2026-02-28"), resolution=8) == {}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "resolution 7"),
        ({"resolution": 7}, None),
        ({"resolution": 5, "category": ["pothole"]}, None),
        ({"resolution": 7, "weight": "priority"}, "weight=count"),
        ({"resolution": 7, "status": ["new"]}, "status, priority or zone"),
        ({"resolution": 7, "priority": ["P1"]}, "status, priority or zone"),
        ({"resolution": 7, "zone_id": ["MN01"]}, "status, priority or zone"),
        ({"resolution": 7, "from": "2026-02-01", "to": "2028-02-29"}, None),
        ({"resolution": 7, "from": "2026-02-02"}, "whole months"),
        ({"resolution": 7, "to": "2028-02-28"}, "whole months"),
    ],
)
def test_an_answer_says_why_it_leaves_areas_out(given: dict[str, Any], why: str | None) -> None:
    reason = left_out_for(asked(**given))
    assert (reason is None) if why is None else why in (reason or "")
    filters = World([]).answer(asked(**given)).filters
    assert filters["area"] == ("included" if why is None else "excluded")
    assert why is None or why in filters["area_note"]


def test_staff_see_every_report() -> None:
    reports = [
        Report(cell, TODAY, public=public)
        for cell, public in zip(PLACES[0], ("area", "none"), strict=False)
    ]
    answer = World(reports).answer(asked(resolution=10), staff=True)
    assert sum(hexagon.count for hexagon in answer.hexagons) == 2
    assert answer.filters["area"] == "included"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, timedelta(minutes=30)),
        (datetime(2026, 12, 31, 4, 59, 59, tzinfo=UTC), timedelta(days=1, seconds=1)),
        # The month with the night of 23 hours.
        (datetime(2026, 3, 1, 5, tzinfo=UTC), timedelta(days=31) - timedelta(hours=1)),
    ],
)
def test_a_month_lasts_until_the_citys_midnight(at: datetime, expected: timedelta) -> None:
    assert month_lasts(at.astimezone(ZONE)) == expected


def test_a_running_month_is_not_released_whoever_asks() -> None:
    rows = [{"month": "2026-03", "category": "x", "cell": cell, "n": 9} for cell in PLACES[0]]
    assert released(rows, 7, NOW.astimezone(ZONE)) == {}
    assert released(rows, 7, NOW) == {UNITS[0]: 60}
