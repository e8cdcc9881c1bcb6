"""Sums moved by events are those computed from the facts they leave, whatever happened."""

from __future__ import annotations

from datetime import UTC, datetime

import h3
import pytest
from geo_stories import LEAVES, ZONE, Totals, add, facts, left, moved, stories
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.events import Facts
from cst_geo_analytics.domain.buckets import bucket_of
from cst_geo_analytics.domain.projection import GROUPS, MOVING, ROW_FIELDS, moves, row_of
from cst_ledger.ownership import MAY_CHANGE

WEIGHT = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}
OPEN = ("new", "triaged", "assigned", "in_progress")


def recomputed(story: list[tuple[str, Facts]]) -> Totals:
    """Compute all sums from the last facts of each request, by other code."""
    totals: Totals = {}
    for fact in dict(story).values():
        if fact.is_master:
            _count(totals, fact)
    return left(totals)


def _count(totals: Totals, fact: Facts) -> None:
    leaf = fact.h3 or "-"
    coarse = h3.cell_to_parent(leaf, 8) if fact.located else "-"
    created, weight = fact.created_at.astimezone(ZONE), WEIGHT[fact.priority]
    whose = (fact.zone_id, fact.public)
    stand = (fact.category, fact.priority, *whose)
    sums = {"n": 1, "w": weight, "wt": weight * int(fact.created_at.timestamp())}
    sums |= {f"by.{fact.status}.{name}": value for name, value in sums.items()}
    if fact.located:
        add(totals, "geo_cells", {"|".join((leaf, *stand)): sums})
    if fact.located and fact.public == "area":
        add(totals, "geo_areas", {f"{created:%Y-%m}|{fact.category}|{leaf}": {"n": 1}})
    source = {None: "unknown", "a.$b": "a·§b"}.get(fact.source, fact.source)
    parts = {created.strftime("hours.%H"): 1, f"sources.{source}": 1}
    key = (coarse, created.strftime("%Y-%m-%d"), *stand)
    add(totals, "geo_days", {"|".join(key): sums | parts})
    if fact.due_at is not None and fact.status in OPEN:
        hour = fact.due_at.strftime("%Y-%m-%dT%H")
        add(totals, "geo_promises", {"|".join((leaf, hour, *stand)): {"n": 1, "w": weight}})
    if fact.resolved_at is not None:
        month = fact.resolved_at.astimezone(ZONE).strftime("%Y-%m")
        minutes = (fact.resolved_at - fact.created_at).total_seconds() / 60
        key = (coarse, month, fact.category, *whose, str(bucket_of(minutes)))
        kept = fact.due_at and ("met" if fact.due_at >= fact.resolved_at else "missed")
        add(totals, "geo_outcomes", {"|".join(key): {"n": 1, **({kept: 1} if kept else {})}})


@given(stories, st.integers(1, 10))
def test_moved_sums_equal_recomputed_ones(story: list[tuple[str, Facts]], batch: int) -> None:
    assert moved(story, batch)[1] == recomputed(story)


@given(stories)
def test_batches_do_not_matter(story: list[tuple[str, Facts]]) -> None:
    assert moved(story, 1) == moved(story, len(story) or 1)


@given(facts())
def test_a_row_says_everything_its_sums_need(fact: Facts) -> None:
    row = row_of(fact, 7, ZONE)
    assert tuple(row) == ROW_FIELDS
    assert not any(moves([(row, row)]).values())


@given(facts())
def test_a_document_says_what_its_key_is_made_of(fact: Facts) -> None:
    for name, changes in moves([(None, row_of(fact, 0, ZONE))]).items():
        for key, change in changes.items():
            document = GROUPS[name](change.row)
            said = {
                f"{value:%Y-%m-%dT%H}" if isinstance(value, datetime) else str(value)
                for value in document.values()
            }
            assert said >= set(key.split("|"))
            assert ("lon" in document) == (document["cell"] != "-")


def located_at(instant: datetime) -> Facts:
    return Facts(
        category="pothole",
        zone_id="MN01",
        h3=LEAVES[0],
        located=True,
        priority="P3",
        status="new",
        is_master=True,
        created_at=instant,
        due_at=None,
        resolved_at=instant,
        historic=False,
        public="exact",
    )


@pytest.mark.parametrize(
    ("instant", "day", "hour"),
    [
        ("2026-01-01T04:59:59", "2025-12-31", 23),
        ("2026-01-01T05:00:00", "2026-01-01", 0),
        # Clocks go forward: one becomes three. Clocks go back: one is there twice.
        ("2026-03-08T06:59:59", "2026-03-08", 1),
        ("2026-03-08T07:00:00", "2026-03-08", 3),
        ("2026-11-01T05:30:00", "2026-11-01", 1),
        ("2026-11-01T06:30:00", "2026-11-01", 1),
        ("2026-11-01T07:30:00", "2026-11-01", 2),
        ("0001-01-01T00:00:00", "0001-01-01", 0),
    ],
)
def test_days_and_hours_are_the_citys(instant: str, day: str, hour: int) -> None:
    row = row_of(located_at(datetime.fromisoformat(instant).replace(tzinfo=UTC)), 0, ZONE)
    assert (row["day"], row["hour"]) == (day, hour)
    assert row["resolved_month"] == day[:7]


def test_every_event_that_may_change_a_fact_moves_rows() -> None:
    moving = (
        "status",
        "category",
        "priority",
        "location.zone_id",
        "location.h3",
        "location.located",
        "duplicates.is_master",
        "due_at",
        "timestamps.resolved_at",
        "public",
        "channel",
    )
    changing = {
        name
        for name, owned in MAY_CHANGE.items()
        if owned == ("*",)
        or any(path == fact or fact.startswith(f"{path}.") for path in owned for fact in moving)
    }
    assert changing == MOVING
