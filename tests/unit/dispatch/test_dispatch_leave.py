from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.agents import AddLeave
from cst_dispatch.domain.leave import KEPT, LONGEST, MOST, faults, with_new

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(start: int, end: int) -> dict[str, Any]:
    """Return a leave between two hours from now."""
    span = {"starts_at": NOW + start * HOUR, "ends_at": NOW + end * HOUR}
    return {"leave_id": f"{start}-{end}", **span}


def wanted(start: int, end: int) -> AddLeave:
    return AddLeave(starts_at=NOW + start * HOUR, ends_at=NOW + end * HOUR)


@given(st.lists(st.tuples(st.integers(-40, 40), st.integers(1, 20)), max_size=60))
def test_what_is_accepted_never_overlaps_and_never_exceeds_the_limit(
    spans: list[tuple[int, int]],
) -> None:
    leave: list[dict[str, Any]] = []
    for start, length in spans:
        hours = range(start, start + length)
        ahead = [other for other in leave if other["ends_at"] > NOW]
        taken = {
            hour
            for other in ahead
            for hour in range(-40, 60)
            if other["starts_at"] <= NOW + hour * HOUR < other["ends_at"]
        }
        found = list(faults(wanted(start, start + length), leave, NOW))
        fits = start + length > 0 and taken.isdisjoint(hours) and len(ahead) < MOST
        assert (not found) == fits
        if fits:
            leave = with_new(leave, entry(start, start + length), NOW)
    assert leave == sorted(leave, key=lambda other: other["starts_at"])


@pytest.mark.parametrize(("more", "field"), [(timedelta(0), None), (HOUR, "ends_at")])
def test_two_years_are_the_longest(more: timedelta, field: str | None) -> None:
    leave = AddLeave(starts_at=NOW, ends_at=NOW + LONGEST + more)
    assert next((fault.field for fault in faults(leave, [], NOW)), None) == field


def test_every_fault_is_named_at_once() -> None:
    crowd = [entry(hour, hour + 1) for hour in range(MOST)]
    long = AddLeave(starts_at=NOW, ends_at=NOW + LONGEST + HOUR)
    assert {fault.field for fault in faults(long, crowd, NOW)} == {"starts_at", "ends_at", "leave"}


def test_what_ended_long_ago_is_dropped_to_the_hour() -> None:
    days = KEPT.days * 24
    leave = [entry(-days - 9, -days - 1), entry(-days - 1, -days)]
    assert with_new(leave, entry(5, 6), NOW) == [leave[1], entry(5, 6)]
