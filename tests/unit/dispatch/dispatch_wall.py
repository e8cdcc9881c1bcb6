"""A second implementation of shifts: weeks of minutes, and what the wall shows in each of them.

Nothing here knows offsets: a shift starts with the minute in which the wall first shows its start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from cst_dispatch.domain.shifts import DAYS

ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "UTC",
)
#: Before each change of the clocks in these zones in 2026, and a week without any.
MONDAYS = (
    date(2026, 3, 2),
    date(2026, 3, 23),
    date(2026, 3, 30),
    date(2026, 6, 8),
    date(2026, 9, 28),
    date(2026, 10, 19),
)
MINUTE, DAY_MINUTES = timedelta(minutes=1), 24 * 60
#: Minutes before the Monday and all together: shifts of the weekend before reach into its week.
BEFORE, LENGTH = 3 * DAY_MINUTES, 31 * DAY_MINUTES
Leave = dict[str, datetime]


@dataclass(frozen=True)
class Wall:
    """Four weeks from ``monday`` on, and what the wall shows in each minute."""

    monday: date
    readings: list[datetime]
    first: dict[datetime, int]

    @property
    def begin(self) -> datetime:
        """The instant of minute 0."""
        return datetime.combine(self.monday, datetime.min.time(), UTC) - BEFORE * MINUTE

    def instant(self, minute: int) -> datetime:
        return self.begin + minute * MINUTE

    def minute(self, instant: datetime) -> int:
        return (instant - self.begin) // MINUTE

    def shows(self, reading: datetime) -> int | None:
        """Return the first minute with a reading; of a skipped one as if it had not been skipped.

        None where it is before or after these weeks.
        """
        if not self.readings[0] <= reading <= self.readings[-1]:
            return None
        back = 0
        while reading - back * MINUTE not in self.first:
            back += 1
        return self.first[reading - back * MINUTE] + back

    def shifts(self, schedule: dict[str, Any]) -> bytearray:
        """Return for each minute whether a shift runs."""
        runs = bytearray(LENGTH)
        for offset in range(-4, 30):
            day = datetime.combine(self.monday, datetime.min.time()) + timedelta(days=offset)
            for shift in schedule["shifts"]:
                if shift["day"] == DAYS[day.weekday()]:
                    self._mark(runs, day, shift["start"], shift["end"])
        return runs

    def _mark(self, runs: bytearray, day: datetime, start: str, end: str) -> None:
        last = day + timedelta(days=0 if start < end else 1)
        begin, stop = self.shows(_at(day, start)), self.shows(_at(last, end))
        if begin is not None:
            for minute in range(begin, LENGTH if stop is None else stop):
                runs[minute] = 1

    def working(
        self, schedule: dict[str, Any], leave: Iterable[Leave], *, on_call: bool
    ) -> bytearray:
        """Return for each minute whether somebody with that schedule and leave works."""
        always = on_call and schedule["on_call"]
        runs = bytearray(b"\1" * LENGTH) if always else self.shifts(schedule)
        for away in leave:
            for minute in range(self.minute(away["starts_at"]), self.minute(away["ends_at"])):
                runs[minute] = 0
        return runs


@cache
def wall(timezone: str, monday: date) -> Wall:
    """Return the wall of a zone."""
    zone = ZoneInfo(timezone)
    begin = datetime.combine(monday, datetime.min.time(), UTC) - BEFORE * MINUTE
    readings = [
        (begin + n * MINUTE).astimezone(zone).replace(tzinfo=None, fold=0) for n in range(LENGTH)
    ]
    first: dict[datetime, int] = {}
    for number, reading in enumerate(readings):
        first.setdefault(reading, number)
    return Wall(monday, readings, first)


def _at(day: datetime, hhmm: str) -> datetime:
    return day.replace(hour=int(hhmm[:2]), minute=int(hhmm[3:]))


def hhmm(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


#: Often a round time, so that shifts meet, and often one that a change of the clocks skips.
minutes_of_day = st.one_of(
    st.integers(0, DAY_MINUTES - 1),
    st.integers(0, 23).map(lambda hour: 60 * hour),
    st.integers(60, 200),
)


@st.composite
def any_schedules(draw: st.DrawFn) -> dict[str, Any]:
    """Shifts at any times, some of them overlapping, adjacent, over midnight or on every day."""
    shift = st.tuples(st.sampled_from(DAYS), minutes_of_day, minutes_of_day)
    drawn = draw(st.lists(shift.filter(lambda s: s[1] != s[2]), max_size=8))
    if draw(st.booleans()):
        start, middle, end = (draw(minutes_of_day) for _ in range(3))
        halves = [(start, middle), (middle, end)]
        drawn += [(day, a, b) for day in DAYS for a, b in halves if a != b]
    rows = [{"day": day, "start": hhmm(start), "end": hhmm(end)} for day, start, end in drawn]
    timezone = draw(st.sampled_from(ZONES))
    return {"timezone": timezone, "shifts": rows, "on_call": draw(st.booleans())}


@st.composite
def leave_of(draw: st.DrawFn, monday: date) -> list[Leave]:
    """Leave in the first two weeks, some of it overlapping, at most until the end of the third."""
    begin = datetime.combine(monday, datetime.min.time(), UTC)
    span = st.tuples(st.integers(-2 * DAY_MINUTES, 14 * DAY_MINUTES), st.integers(0, 9_000))
    return [
        {"starts_at": begin + start * MINUTE, "ends_at": begin + (start + length) * MINUTE}
        for start, length in draw(st.lists(span, max_size=3))
    ]
