"""Shifts against a second implementation that looks at the wall clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dispatch_wall import (
    DAY_MINUTES,
    LENGTH,
    MINUTE,
    MONDAYS,
    ZONES,
    Leave,
    any_schedules,
    hhmm,
    leave_of,
    wall,
)
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.shifts import (
    DAYS,
    next_change,
    next_start,
    on_leave,
    on_shift,
    works,
)

WEEK = timedelta(days=7)
WEEKDAYS = tuple((day, "08:00", "16:00") for day in DAYS[:5])
#: A whole year, with both changes of the clocks in each zone.
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(second=0, microsecond=0)
)
#: Minutes of the day at which no zone changes its clocks: 01:00 to 03:00 happen twice or never.
minutes = st.integers(0, 24 * 60 - 1).filter(lambda m: not 60 <= m <= 180)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    shift = st.tuples(st.sampled_from(DAYS), minutes, minutes).filter(lambda s: s[1] != s[2])
    drawn = draw(st.lists(shift, max_size=7))
    rows = [{"day": day, "start": hhmm(start), "end": hhmm(end)} for day, start, end in drawn]
    return {"timezone": draw(st.sampled_from(ZONES)), "shifts": rows, "on_call": False}


def works_by_the_wall_clock(schedule: dict[str, Any], instant: datetime) -> bool:
    """Tell whether the clock on the wall shows a time of a shift, today's or last night's."""
    local = instant.astimezone(ZoneInfo(schedule["timezone"]))
    now, today = local.strftime("%H:%M"), local.weekday()
    for shift in schedule["shifts"]:
        day, start, end = DAYS.index(shift["day"]), shift["start"], shift["end"]
        if start < end:
            if day == today and start <= now < end:
                return True
        elif (day == today and now >= start) or (day == (today - 1) % 7 and now < end):
            return True
    return False


@given(schedules(), instants)
def test_on_shift_is_what_the_wall_clock_says(schedule: dict[str, Any], instant: datetime) -> None:
    for hours in range(0, 7 * 24, 5):
        moment = instant + timedelta(hours=hours, minutes=hours)
        assert on_shift(schedule, moment) == works_by_the_wall_clock(schedule, moment)


def new_york(*shifts: tuple[str, str, str]) -> dict[str, Any]:
    rows = [{"day": day, "start": start, "end": end} for day, start, end in shifts]
    return {"timezone": "America/New_York", "shifts": rows}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("instant", "works"),
    [
        ("2026-03-02T21:59:00-05:00", False),
        ("2026-03-02T22:00:00-05:00", True),
        ("2026-03-03T05:59:00-05:00", True),
        ("2026-03-03T06:00:00-05:00", False),
        ("2026-03-03T23:00:00-05:00", False),
    ],
)
def test_a_shift_over_midnight_belongs_to_the_day_it_starts(instant: str, works: bool) -> None:
    assert on_shift(new_york(("mon", "22:00", "06:00")), at(instant)) is works


@pytest.mark.parametrize(
    ("night", "hours"), [("2026-03-07", 7), ("2026-06-06", 8), ("2026-10-31", 9)]
)
def test_a_night_shift_is_as_long_as_the_clocks_make_it(night: str, hours: int) -> None:
    """Spring takes an hour from it, autumn gives one."""
    schedule = new_york(("sat", "22:00", "06:00"))
    start = at(f"{night}T22:00:00").replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    worked = [m for m in range(0, 24 * 60, 10) if on_shift(schedule, start + m * MINUTE)]
    assert len(worked) == hours * 6


def test_a_shift_that_runs_is_not_the_next_one() -> None:
    schedule = new_york(("mon", "08:00", "16:00"))
    monday = at("2026-03-02T08:00:00-05:00")
    assert on_shift(schedule, monday)
    tess = {"schedule": schedule, "leave": []}
    assert next_start(tess, monday, on_call=False) == at("2026-03-09T08:00:00-04:00")
    assert next_start(tess, monday - MINUTE, on_call=False) == monday


@st.composite
def agents(draw: st.DrawFn) -> tuple[date, dict[str, Any]]:
    """Draw a Monday and an agent with leave in the weeks that begin with it."""
    monday = draw(st.sampled_from(MONDAYS))
    return monday, {"schedule": draw(any_schedules()), "leave": draw(leave_of(monday))}


@given(agents(), st.booleans(), st.integers(0, 300))
def test_who_works_and_when_that_changes_is_what_the_wall_clock_says(
    drawn: tuple[date, dict[str, Any]], on_call: bool, first: int
) -> None:
    monday, agent = drawn
    clock = wall(agent["schedule"]["timezone"], monday)
    working = clock.working(agent["schedule"], agent["leave"], on_call=on_call)
    end = clock.instant(LENGTH)
    for minute in range(3 * DAY_MINUTES + first, 12 * DAY_MINUTES, 311):
        now = clock.instant(minute) + minute % 2 * timedelta(seconds=30)
        assert works(agent, now, on_call=on_call) == working[minute]
        starts, turns = working.find(b"\0\1", minute), working.find(1 - working[minute], minute)
        start, change = (
            next_start(agent, now, on_call=on_call),
            next_change(agent, now, on_call=on_call),
        )
        assert start == clock.instant(starts + 1) if starts >= 0 else start is None or start >= end
        assert change == clock.instant(turns) if turns >= 0 else change is None or change >= end


def person(
    *shifts: tuple[str, str, str], on_call: bool = False, leave: tuple[str, str] | None = None
) -> dict[str, Any]:
    """Return a person of New York, with one leave or none."""
    away: list[Leave] = [{"starts_at": at(leave[0]), "ends_at": at(leave[1])}] if leave else []
    return {"schedule": {**new_york(*shifts), "on_call": on_call}, "leave": away}


def test_adjacent_and_overlapping_shifts_are_one() -> None:
    shifts = [("mon", "08:00", "12:00"), ("mon", "12:00", "16:00"), ("mon", "15:00", "18:00")]
    tess, morning = person(*shifts), at("2026-03-02T09:00:00-05:00")
    assert next_change(tess, morning, on_call=False) == at("2026-03-02T18:00:00-05:00")
    assert next_start(tess, morning, on_call=False) == at("2026-03-09T08:00:00-04:00")


def test_shifts_that_meet_over_the_end_of_the_week_are_one() -> None:
    tess = person(("sun", "22:00", "06:00"), ("mon", "06:00", "10:00"))
    sunday = at("2026-03-01T23:00:00-05:00")
    assert next_change(tess, sunday, on_call=False) == at("2026-03-02T10:00:00-05:00")


def test_a_shift_during_leave_does_not_count() -> None:
    week_off = ("2026-03-02T00:00:00-05:00", "2026-03-06T20:00:00-05:00")
    tess, monday = person(*WEEKDAYS, leave=week_off), at("2026-03-02T12:00:00-05:00")
    assert on_shift(tess["schedule"], monday)
    assert on_leave(tess, monday)
    assert not works(tess, monday, on_call=True)
    assert next_start(tess, monday, on_call=False) == at("2026-03-09T08:00:00-04:00")


def test_leave_that_ends_within_a_shift_is_when_work_begins() -> None:
    morning_off = ("2026-03-02T00:00:00-05:00", "2026-03-02T13:00:00-05:00")
    tess, early = person(*WEEKDAYS, leave=morning_off), at("2026-03-02T07:00:00-05:00")
    noon = at("2026-03-02T13:00:00-05:00")
    assert next_start(tess, early, on_call=False) == next_change(tess, early, on_call=False) == noon
    assert not works(tess, noon - MINUTE, on_call=False)
    assert works(tess, noon, on_call=False)


def test_who_is_on_call_works_at_all_times_but_during_leave() -> None:
    night_off = ("2026-03-02T20:00:00-05:00", "2026-03-03T03:00:00-05:00")
    tess, evening = (
        person(*WEEKDAYS, on_call=True, leave=night_off),
        at("2026-03-02T19:00:00-05:00"),
    )
    off, back = at("2026-03-02T20:00:00-05:00"), at("2026-03-03T03:00:00-05:00")
    assert works(tess, evening, on_call=True)
    assert not works(tess, evening, on_call=False)
    assert next_change(tess, evening, on_call=True) == off
    assert next_start(tess, evening, on_call=True) == back
    assert next_change(tess, off, on_call=True) == back
    assert next_change(tess, back, on_call=True) is next_start(tess, back, on_call=True) is None


def test_who_is_away_for_good_never_starts_again() -> None:
    gone = ("2026-03-02T00:00:00Z", "9999-12-31T23:59:59Z")
    tess, now = person(*WEEKDAYS, on_call=True, leave=gone), at("2026-03-02T12:00:00-05:00")
    for on_call in (True, False):
        assert next_start(tess, now, on_call=on_call) is None
        assert next_change(tess, now, on_call=on_call) is None


def test_leave_of_years_is_looked_beyond() -> None:
    years = ("2026-03-02T00:00:00Z", "2031-03-02T00:00:00Z")
    tess, now = person(*WEEKDAYS, leave=years), at("2026-03-02T12:00:00-05:00")
    assert next_start(tess, now, on_call=False) == at("2031-03-03T08:00:00-05:00")


def test_without_shifts_nothing_ever_starts() -> None:
    tess, now = person(), at("2026-03-02T12:00:00-05:00")
    assert not works(tess, now, on_call=True)
    assert next_start(tess, now, on_call=True) is next_change(tess, now, on_call=True) is None


def test_who_always_works_stops_at_the_next_leave_only() -> None:
    days = [(day, a, b) for day in DAYS for a, b in (("00:00", "12:00"), ("12:00", "00:00"))]
    tess, now = person(*days), at("2026-03-02T12:00:00-05:00")
    assert next_change(tess, now, on_call=False) is next_start(tess, now, on_call=False) is None
    tess = person(*days, leave=("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"))
    assert next_change(tess, now, on_call=False) == at("2027-01-01T00:00:00Z")
    assert next_start(tess, now, on_call=False) == at("2027-01-02T00:00:00Z")


def test_a_shift_in_the_hour_that_is_skipped_is_a_week_later() -> None:
    """02:30 would be 03:30 then, which is after the shift's end."""
    schedule, saturday = new_york(("sun", "02:30", "03:00")), at("2026-03-07T12:00:00-05:00")
    tess = {"schedule": schedule, "leave": []}
    assert next_start(tess, saturday, on_call=False) == at("2026-03-15T02:30:00-04:00")
    assert not any(on_shift(schedule, saturday + n * MINUTE) for n in range(DAY_MINUTES))


def test_a_shift_that_begins_with_the_leave_changes_nothing() -> None:
    day_off = ("2026-03-03T08:00:00-05:00", "2026-03-03T16:00:00-05:00")
    tess, monday_night = person(*WEEKDAYS, leave=day_off), at("2026-03-02T20:00:00-05:00")
    wednesday = at("2026-03-04T08:00:00-05:00")
    assert next_change(tess, monday_night, on_call=False) == wednesday
    assert next_start(tess, monday_night, on_call=False) == wednesday
