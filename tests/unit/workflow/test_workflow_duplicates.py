"""The rule of duplicates against a brute-force reading of what it says."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_geo import haversine_m, leaf_cell
from cst_workflow.domain.duplicate_report import Finding, judge, were_separate
from cst_workflow.domain.duplicates import Group, Report, find_groups, fits, guard_cells

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
CORNER = h3.cell_to_boundary(h3.latlng_to_cell(40.71, -74.0, 8))[0]


@dataclass(frozen=True)
class Rule:
    radius_m: float = 60.0
    window_hours: float = 336.0


@st.composite
def reports(draw: st.DrawFn) -> list[Report]:
    """Reports around a corner where three coarse cells meet, many at the same instant."""
    found = []
    for number in range(draw(st.integers(0, 25))):
        created = START + timedelta(hours=draw(st.integers(0, 20)) * 24)
        open_days = draw(st.none() | st.integers(-1, 15))
        found.append(
            Report(
                request_id=f"CST-2026-{number:04}",
                tie=f"{number:04}",
                lon=CORNER[1] + draw(st.integers(-15, 15)) * 1e-4,
                lat=CORNER[0] + draw(st.integers(-15, 15)) * 1e-4,
                created_at=created,
                ended_at=None if open_days is None else created + timedelta(days=open_days),
                urgency=draw(st.integers(0, 3)),
            )
        )
    return found


def by_brute_force(found: list[Report], rule: Rule) -> dict[str, list[str]]:
    """Each report, in order of age, against every older master."""
    masters: dict[str, list[str]] = {}
    by_id = {report.request_id: report for report in found}
    for new in sorted(found, key=lambda each: (each.created_at, each.tie)):
        for request_id, linked in masters.items():
            old = by_id[request_id]
            age = (new.created_at - old.created_at).total_seconds() / 3600
            still_open = old.ended_at is None or old.ended_at > new.created_at
            near = haversine_m(old.lon, old.lat, new.lon, new.lat) <= rule.radius_m
            if age <= rule.window_hours and still_open and near and old.urgency <= new.urgency:
                linked.append(new.request_id)
                break
        else:
            masters[new.request_id] = []
    return {master: linked for master, linked in masters.items() if linked}


def ids(groups: list[Group]) -> dict[str, list[str]]:
    return {g.master.request_id: [d.request_id for d in g.duplicates] for g in groups}


@given(reports(), st.sampled_from([15.0, 60.0, 400.0]), st.randoms(use_true_random=False))
def test_groups_are_those_of_brute_force_in_any_order(
    found: list[Report], radius: float, rng: random.Random
) -> None:
    rule = Rule(radius)
    expected = by_brute_force(found, rule)
    rng.shuffle(found)
    groups = find_groups(found, rule)
    assert ids(groups) == expected
    for group in groups:
        assert all(fits(group.master, each, rule) for each in group.duplicates)


@given(reports(), st.sampled_from([15.0, 60.0, 200.0, 1000.0]))
def test_what_is_within_the_radius_shares_a_guard(found: list[Report], radius: float) -> None:
    rule = Rule(radius)
    guards = {r.request_id: set(guard_cells(r.leaves(rule), rule)) for r in found}
    for one in found:
        assert len(guards[one.request_id]) <= 4
        for other in found:
            if one.distance_m(other) <= radius:
                assert guards[one.request_id] & guards[other.request_id]
                assert leaf_cell(other.lon, other.lat) in one.leaves(rule)


BASE = Report("CST-2026-0001", "1", -74.0, 40.71, START, None, 2)
LATER = replace(BASE, request_id="CST-2026-0002", tie="2", created_at=START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"created_at": START}, True),
        ({"created_at": START, "tie": "0"}, False),
        ({"created_at": START + timedelta(hours=336)}, True),
        ({"created_at": START + timedelta(hours=336, seconds=1)}, False),
        ({"urgency": 1}, False),
        ({"urgency": 3}, True),
        ({"lat": 40.7106}, False),
        ({"lat": 40.7105}, True),
    ],
)
def test_what_fits(change: dict[str, object], expected: bool) -> None:
    assert fits(BASE, replace(LATER, **change), Rule()) is expected  # type: ignore[arg-type]


def test_what_ended_before_is_no_master() -> None:
    assert not fits(replace(BASE, ended_at=LATER.created_at), LATER, Rule())
    assert fits(replace(BASE, ended_at=LATER.created_at + timedelta(seconds=1)), LATER, Rule())


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [(None, None, False), (0, 24, False), (0, 25, True), (0, None, True), (240, None, False)],
)
def test_two_jobs(earlier: int | None, later: int | None, expected: bool) -> None:
    def ends(hours: int | None) -> datetime | None:
        return None if hours is None else START + timedelta(hours=hours)

    now = START + timedelta(days=10)
    one, other = replace(BASE, ended_at=ends(earlier)), replace(LATER, ended_at=ends(later))
    assert were_separate(one, other, now) is expected


@pytest.mark.parametrize(
    ("pairs", "separate", "advised"),
    [(0, 0, "auto"), (10, 10, "auto"), (11, 1, "suggest"), (20, 1, "auto"), (40, 3, "suggest")],
)
def test_what_is_advised(pairs: int, separate: int, advised: str) -> None:
    assert Finding(1, pairs, separate).advised == advised


def test_pairs_are_counted_over_groups() -> None:
    ended = replace(BASE, ended_at=START + timedelta(hours=2))
    apart = replace(LATER, ended_at=START + timedelta(hours=27))
    assert judge([Group(ended, [apart, LATER]), Group(BASE, [LATER])], START) == Finding(2, 3, 1)
