"""The time to begin, against minutes of shifts counted one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dispatch_wall import DAY_MINUTES, LENGTH, MINUTE, MONDAYS, any_schedules, wall
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.acceptance import accept_by

Pauses = list[tuple[int, int]]
DAYS = ("mon", "tue", "wed", "thu", "fri")


@st.composite
def pauses(draw: st.DrawFn) -> Pauses:
    """Draw disjoint pauses in order, as minutes after the Monday; some of them touch."""
    steps = draw(st.lists(st.integers(0, 2 * DAY_MINUTES), max_size=6))
    edges = [sum(steps[: n + 1]) for n in range(len(steps))]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if a < b]


def counted(runs: bytearray, since: int, minutes: int) -> int | None:
    """Return the minute in which the last of ``minutes`` minutes passes."""
    for minute in range(since, LENGTH):
        minutes -= runs[minute]
        if minutes == 0:
            return minute
    return None


@given(
    any_schedules(),
    st.sampled_from(MONDAYS),
    pauses(),
    st.lists(st.integers(0, 9 * DAY_MINUTES), min_size=4, max_size=4),
    st.one_of(st.integers(1, 90), st.integers(1, 3_000)),
    st.booleans(),
)
def test_the_time_is_used_up_when_so_many_minutes_have_been_counted(
    schedule: dict[str, Any],
    monday: date,
    holds: Pauses,
    sinces: list[int],
    minutes: int,
    always: bool,
) -> None:
    clock = wall(schedule["timezone"], monday)
    runs = bytearray(b"\1" * LENGTH) if always else clock.shifts(schedule)
    shifted = [(start + 3 * DAY_MINUTES, end + 3 * DAY_MINUTES) for start, end in holds]
    for start, end in shifted:
        runs[start:end] = bytes(end - start)
    given_pauses = [(clock.instant(start), clock.instant(end)) for start, end in shifted]
    for since in (3 * DAY_MINUTES + since for since in sinces):
        minute, begin = counted(runs, since, minutes), clock.instant(since)
        at = accept_by(schedule, begin, minutes, given_pauses, always=always)
        half = accept_by(schedule, begin, minutes - 0.5, given_pauses, always=always)
        if minute is None:
            assert at is None or at > clock.instant(LENGTH)
        else:
            assert at == clock.instant(minute + 1)
            assert half == at - MINUTE / 2


def new_york(*shifts: tuple[str, str, str]) -> dict[str, Any]:
    rows = [{"day": day, "start": start, "end": end} for day, start, end in shifts]
    return {"timezone": "America/New_York", "shifts": rows, "on_call": True}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


WEEKDAYS = new_york(*((day, "08:00", "16:00") for day in DAYS))


@pytest.mark.parametrize(
    ("since", "minutes", "until"),
    [
        ("2026-03-02T09:00:00-05:00", 60, "2026-03-02T10:00:00-05:00"),
        ("2026-03-02T15:30:00-05:00", 30, "2026-03-02T16:00:00-05:00"),
        ("2026-03-02T15:30:00-05:00", 31, "2026-03-03T08:01:00-05:00"),
        ("2026-03-02T20:00:00-05:00", 60, "2026-03-03T09:00:00-05:00"),
        ("2026-03-06T15:30:00-05:00", 60, "2026-03-09T08:30:00-04:00"),
        ("2026-03-02T09:00:00-05:00", 0.25, "2026-03-02T09:00:15-05:00"),
        ("2026-03-02T09:00:00-05:00", 40 * 60, "2026-03-09T09:00:00-04:00"),
    ],
)
def test_the_time_runs_on_shift_only(since: str, minutes: float, until: str) -> None:
    assert accept_by(WEEKDAYS, at(since), minutes, [], always=False) == at(until)


def test_what_is_used_up_with_the_end_of_a_shift_is_used_up_then() -> None:
    shifts = new_york(("mon", "08:00", "12:00"), ("mon", "10:00", "14:00"))
    begin = at("2026-03-02T08:00:00-05:00")
    assert accept_by(shifts, begin, 360, [], always=False) == at("2026-03-02T14:00:00-05:00")


def test_a_hold_stops_the_time() -> None:
    begin, hour = at("2026-03-02T15:00:00-05:00"), timedelta(hours=1)
    before = (begin - 3 * hour, begin - 2 * hour)
    over_the_start = (begin - hour, begin + hour / 4)
    over_the_night = (begin + hour / 2, begin + 19 * hour)
    held = [before, over_the_start, over_the_night]
    assert accept_by(WEEKDAYS, begin, 60, held, always=False) == at("2026-03-03T10:45:00-05:00")
    assert accept_by(WEEKDAYS, begin, 15, held, always=False) == at("2026-03-02T15:30:00-05:00")


def test_for_who_is_on_call_every_minute_counts_but_those_of_a_hold() -> None:
    night, hour = at("2026-03-07T23:00:00-05:00"), timedelta(hours=1)
    assert accept_by(WEEKDAYS, night, 240, [], always=True) == night + 4 * hour
    held = [(night + hour, night + 3 * hour)]
    assert accept_by(WEEKDAYS, night, 240, held, always=True) == night + 6 * hour


def test_in_the_night_of_a_change_real_time_is_what_passes() -> None:
    """22:00 to 06:00 has seven hours in spring and nine in autumn."""
    schedule = new_york(("sat", "22:00", "06:00"), ("mon", "08:00", "16:00"))
    spring, autumn = at("2026-03-07T22:00:00-05:00"), at("2026-10-31T22:00:00-04:00")
    after = accept_by(schedule, spring, 8 * 60, [], always=False)
    assert after == at("2026-03-09T09:00:00-04:00")
    after = accept_by(schedule, autumn, 9 * 60, [], always=False)
    assert after == at("2026-11-01T06:00:00-05:00")


def test_who_has_no_shifts_has_no_time_that_runs_out() -> None:
    nobody, now = new_york(), datetime(2026, 3, 2, tzinfo=UTC)
    assert accept_by(nobody, now, 60, [], always=False) is None
    assert accept_by(nobody, now, 60, [], always=True) == now + 60 * MINUTE


def test_shifts_without_an_end_count_on() -> None:
    halves = [(day, a, b) for day in (*DAYS, "sat", "sun") for a, b in (("00:00", "12:00"),)]
    always = new_york(*halves, *((day, "12:00", "00:00") for day, _, _ in halves))
    now = datetime(2026, 3, 2, 12, 34, tzinfo=UTC)
    week = 7 * DAY_MINUTES
    assert accept_by(always, now, 60 * week, [], always=False) == now + 60 * week * MINUTE
