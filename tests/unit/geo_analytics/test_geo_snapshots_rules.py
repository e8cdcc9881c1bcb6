"""Named feeds: names, schedules, references; and what has changed between two maps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cst_core.errors import InvalidInput
from cst_geo import boundary_ring, leaf_cell
from cst_geo_analytics.domain.difference import Measured, change_of, difference
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.domain.snapshots import (
    FeedPlan,
    Schedule,
    check_name,
    next_due,
    plain_query,
    read_reference,
    scheduled,
)

NOW = datetime(2026, 3, 3, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
hours = st.integers(1, 366 * 24)


def _plan(**fields: Any) -> FeedPlan:
    return FeedPlan.model_validate({"title": "Potholes", "query": {}, **fields})


@given(instants, hours, instants)
def test_the_next_due_time_is_the_first_of_the_rhythm_that_is_later(
    starts_at: datetime, every: int, after: datetime
) -> None:
    due = next_due(starts_at, every, after)
    step = timedelta(hours=every)
    assert due >= starts_at
    assert due > after
    assert (due - starts_at) % step == timedelta(0)
    assert due == starts_at or due - step <= after, "none in between is left out"


@given(instants, hours)
def test_at_a_due_time_the_next_is_another(starts_at: datetime, every: int) -> None:
    assert next_due(starts_at, every, starts_at) == starts_at + timedelta(hours=every)


def test_a_rhythm_begins_at_once_unless_it_says_when() -> None:
    assert scheduled(_plan(every_hours=6), None, NOW) == Schedule(6, NOW, NOW)
    later = NOW + 2 * HOUR
    assert scheduled(_plan(every_hours=6, starts_at=later), None, NOW) == Schedule(6, later, later)
    assert scheduled(_plan(), None, NOW) is None


def test_a_start_that_has_been_brings_no_snapshot_of_the_past() -> None:
    started = NOW - 5 * HOUR
    plan = _plan(every_hours=6, starts_at=started)
    assert scheduled(plan, None, NOW) == Schedule(6, started, NOW + HOUR)


def test_a_change_of_other_things_leaves_the_rhythm_alone() -> None:
    before = Schedule(6, NOW - 5 * HOUR, NOW + HOUR)
    assert scheduled(_plan(every_hours=6, title="Other"), before, NOW) is before
    assert scheduled(_plan(every_hours=6, starts_at=before.starts_at), before, NOW) is before
    assert scheduled(_plan(every_hours=7), before, NOW) == Schedule(7, NOW, NOW)
    assert scheduled(_plan(), before, NOW) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"title": " "},
        {"title": "x" * 121},
        {"keep": 0},
        {"keep": 367},
        {"every_hours": 0},
        {"every_hours": 366 * 24 + 1},
        {"starts_at": NOW},
        {"audience": "nobody"},
        {"query": {"resolution": 11}},
        {"query": {"colour": "red"}},
        {"colour": "red"},
    ],
    ids=str,
)
def test_a_plan_says_what_is_wrong_with_it(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _plan(**fields)


@pytest.mark.parametrize("name", ["heatmap", "heatmap-", "heatmap-public-1"])
def test_the_heatmaps_names_are_taken(name: str) -> None:
    with pytest.raises(InvalidInput, match="heatmap's own"):
        check_name(name)
    check_name("heatmaps")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"category": ["pothole"], "status": ["new"], "bbox": "-74.1,40.6,-73.9,40.8"},
        {"resolution": 7, "from": "2026-01-01", "to": "2026-01-31"},
        {"zoom": 11.5, "weight": "sla_risk", "risk_hours": 48},
    ],
    ids=str,
)
def test_a_query_is_read_again_as_it_was_asked(query: dict[str, Any]) -> None:
    asked = HeatmapQuery.model_validate(query)
    assert plain_query(asked) == query
    assert HeatmapQuery.model_validate(plain_query(asked)) == asked


def test_a_reference_is_a_number_or_an_instant_that_has_been() -> None:
    assert read_reference("from", "17", NOW) == 17
    assert read_reference("from", "2026-03-03T11:00:00-05:00", NOW) == NOW - HOUR


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1.5", "٣", "9" * 10, "yesterday", "2026-03-03", "2026-03-03T18:00:00Z", "1\n"],
)
def test_any_other_reference_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_reference("from", text, NOW)
    (wrong,) = raised.value.members["errors"]
    assert wrong["field"] == "from"
    assert "a snapshot's number" in wrong["allowed"]


CELLS = h3.grid_disk(leaf_cell(-74.0, 40.71), 1)
maps = st.dictionaries(
    st.sampled_from(CELLS),
    st.tuples(st.integers(1, 50), st.integers(1, 400)),
)


def _features(cells: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "id": cell,
            "properties": {"cell": cell, "count": count, "weight": weight, "share": 0.0},
        }
        for cell, (count, weight) in cells.items()
    ]


@given(maps, maps)
def test_a_difference_leads_from_one_map_to_the_other(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> None:
    changed, totals = difference(_features(before), _features(after))
    reached = dict(before)
    for feature in changed:
        said = feature["properties"]
        cell = said["cell"]
        was = before.get(cell, (0, 0))
        assert (said["count_before"], said["weight_before"]) == was
        reached[cell] = (was[0] + said["count_change"], was[1] + said["weight_change"])
        assert (said["change"] == "came") == (cell not in before)
        if said["change"] == "went":
            assert reached.pop(cell) == (0, 0)
        assert feature["geometry"]["coordinates"] == [boundary_ring(cell)]
    assert reached == after
    kinds = [feature["properties"]["change"] for feature in changed]
    assert {kind: totals[kind] for kind in ("rose", "fell", "came", "went")} == {
        kind: kinds.count(kind) for kind in ("rose", "fell", "came", "went")
    }
    assert totals["unchanged"] + len(changed) == len(before.keys() | after.keys())
    assert totals["count_after"] == sum(count for count, _ in after.values())
    assert totals["weight_before"] == sum(weight for _, weight in before.values())


@given(maps)
def test_a_map_does_not_differ_from_itself(cells: dict[str, tuple[int, int]]) -> None:
    changed, totals = difference(_features(cells), _features(cells))
    assert not changed
    assert totals["unchanged"] == len(cells)


def test_the_weight_says_whether_a_cell_rose_and_rounding_says_nothing() -> None:
    assert change_of(Measured(3, 8.0), Measured(2, 16.0)) == "rose"
    assert change_of(Measured(2, 16.0), Measured(3, 8.0)) == "fell"
    assert change_of(Measured(3, 0.1 + 0.2), Measured(3, 0.3)) is None
    assert change_of(Measured(3, 8.0), Measured(4, 8.0)) == "rose"
    assert change_of(None, None) is None
