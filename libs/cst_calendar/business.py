"""Opening hours: a weekly timetable by the local clock, less holidays and closures."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays

from cst_calendar.calendars import span_us
from cst_calendar.instants import (
    DAY,
    END,
    LAST_YEAR,
    MICROSECOND,
    day_us,
    from_us,
    to_us,
    year_of,
    year_us,
)
from cst_calendar.intervals import Interval, merged
from cst_calendar.offsets import segments

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTE = 60_000_000


@dataclass(frozen=True, slots=True)
class Table:
    """The stretches of one year in UTC in which it is open; all in microseconds.

    ``before[i]`` is the open time of the year before stretch i.
    """

    starts: Sequence[int]
    ends: Sequence[int]
    before: Sequence[int]
    total: int

    def used(self, us: int) -> int:
        """Return the open time of the year before the instant ``us``."""
        last = bisect_right(self.starts, us) - 1
        if last < 0:
            return 0
        return self.before[last] + min(us, self.ends[last]) - self.starts[last]

    def at(self, used: int) -> int:
        """Return the open instant at which ``used`` (less than the total) has passed."""
        last = bisect_right(self.before, used) - 1
        return self.starts[last] + used - self.before[last]


@dataclass(frozen=True, slots=True)
class Business:
    """Open where the local clock reads a time within an interval of an open day's weekday.

    The reading decides, not how long ago midnight was: an interval in an hour that is skipped is
    not there, and one in an hour that is repeated is open in both passes.

    ``weekly`` has, from Monday on, each weekday's intervals [start, end) in microseconds of the
    day. Days are proleptic ordinals: a closure is closed whatever else is said of the day;
    ``works_on`` are holidays on which the weekday's hours hold all the same. ``country`` None has
    no holidays.
    """

    timezone: str
    weekly: Sequence[Sequence[Interval]]
    country: str | None = None
    subdivision: str | None = None
    closures: frozenset[int] = frozenset()
    works_on: frozenset[int] = frozenset()
    _tables: dict[int, Table] = field(default_factory=dict, init=False, compare=False, repr=False)

    def advance(self, start: datetime, span: timedelta) -> datetime:
        """See `Calendar`. The moment returned is always one at which it is open."""
        us, left = to_us(start), span_us(span)
        # No calendar is faster than real time; this spares a search through thousands of years.
        first = year_of(us) if us + left < END else LAST_YEAR + 1
        for year in range(first, LAST_YEAR + 1):
            table = self.table(year)
            left += table.used(us) if year == first else 0
            if left < table.total:
                return from_us(table.at(left))
            left -= table.total
        raise OverflowError(f"{span} after {start.isoformat()} end after the year {LAST_YEAR}")

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """See `Calendar`."""
        first, last = to_us(start), to_us(end)
        if last <= first:
            return timedelta()
        whole = sum(self.table(year).total for year in range(year_of(first), year_of(last)))
        used = whole + self._used(last) - self._used(first)
        return used * MICROSECOND

    def _used(self, us: int) -> int:
        return self.table(year_of(us)).used(us)

    def table(self, year: int) -> Table:
        """Return the open stretches of ``year`` in UTC, made at the first asking."""
        if year not in self._tables:
            self._tables[year] = _table(merged(self._stretches(year)))
        return self._tables[year]

    def _stretches(self, year: int) -> Iterator[Interval]:
        first, end = year_us(year), year_us(year + 1)
        readings = list(self._readings(year))
        for begin, until, offset in segments(self.timezone, first, end - 1):
            for opens, closes in readings:
                yield max(opens - offset, begin), min(closes - offset, until)

    def _readings(self, year: int) -> Iterator[Interval]:
        """Yield the open intervals of readings on all days that may touch ``year`` in UTC."""
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        for ordinal in range(max(first - 1, 1), min(last + 1, date.max.toordinal()) + 1):
            # The ordinal 1 is a Monday.
            hours = self.weekly[(ordinal - 1) % 7]
            if hours and self._works(ordinal):
                for opens, closes in hours:
                    yield day_us(ordinal) + opens, day_us(ordinal) + closes

    def _works(self, ordinal: int) -> bool:
        if ordinal in self.closures:
            return False
        if self.country is None or ordinal in self.works_on:
            return True
        year = date.fromordinal(ordinal).year
        return ordinal not in public_holidays(self.country, self.subdivision, year)


def _table(stretches: Sequence[Interval]) -> Table:
    before, total = [], 0
    for start, end in stretches:
        before.append(total)
        total += end - start
    return Table([start for start, _ in stretches], [end for _, end in stretches], before, total)


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[int]:
    """Return the public holidays of one year as proleptic ordinals.

    Raises:
        ValueError: nothing is known of the country or of its subdivision.
    """
    try:
        known = holidays.country_holidays(country, subdiv=subdivision, years=year, expand=False)
    except NotImplementedError as error:
        raise ValueError(f"no public holidays are known: {error}") from None
    return frozenset(day.toordinal() for day in known)


def weekly_hours(weekly: Mapping[str, Sequence[Sequence[str]]]) -> tuple[tuple[Interval, ...], ...]:
    """Read the intervals ``["08:30", "17:00"]`` of each weekday ``mon`` to ``sun``; "24:00" ends.

    Raises:
        ValueError: a time is none, or there is no interval at all.
    """
    week = tuple(
        tuple(merged((_time(opens), _time(closes)) for opens, closes in weekly.get(day, ())))
        for day in WEEKDAYS
    )
    if not any(week):
        raise ValueError("the calendar is never open: its weekly hours are empty")
    return week


def _time(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60):
        raise ValueError(f"{text!r} is not a time of the form HH:MM")
    us = (60 * int(hours) + int(minutes)) * _MINUTE
    if us > DAY:
        raise ValueError(f"{text!r} is later than 24:00")
    return us
