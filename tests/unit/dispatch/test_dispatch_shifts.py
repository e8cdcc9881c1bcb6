"""Shifts against a second implementation that looks at the wall clock minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_dispatch.domain.shifts import DAYS, next_shift_start, on_shift

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
MINUTE, WEEK = timedelta(minutes=1), timedelta(days=7)
#: A whole year, with both changes of the clocks in each zone.
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(second=0, microsecond=0)
)
#: Minutes of the day at which no zone changes its clocks: 01:00 to 03:00 happen twice or never.
minutes = st.integers(0, 24 * 60 - 1).filter(lambda m: not 60 <= m <= 180)


def hhmm(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


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


@given(schedules(), instants)
def test_the_next_start_is_a_start_and_no_earlier_one_is_missed(
    schedule: dict[str, Any], instant: datetime
) -> None:
    start = next_shift_start(schedule, instant)
    if start is None:
        assert schedule["shifts"] == []
        return
    assert instant < start <= instant + WEEK + timedelta(hours=1)
    local = start.astimezone(ZoneInfo(schedule["timezone"]))
    starts = {(shift["day"], shift["start"]) for shift in schedule["shifts"]}
    assert (DAYS[local.weekday()], local.strftime("%H:%M")) in starts
    moment = instant + MINUTE
    while moment < start:
        at = moment.astimezone(ZoneInfo(schedule["timezone"]))
        assert (DAYS[at.weekday()], at.strftime("%H:%M")) not in starts
        moment += MINUTE


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
    assert next_shift_start(schedule, monday) == at("2026-03-09T08:00:00-04:00")
    assert next_shift_start(schedule, monday - MINUTE) == monday
