"""What a calendar is, and the two that have no opening hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cst_calendar.instants import DAY, END, FIRST, MICROSECOND, from_us, to_us
from cst_calendar.offsets import segments


class Calendar(Protocol):
    """A clock that need not always run: how much of its time has passed between two instants.

    ``advance`` is the last instant by which no more than ``span`` has passed: whoever is ready at
    or before ``advance(start, span)`` has used at most ``span``, and whoever is later more. So
    what is used up at closing time is due when the office next opens.
    """

    def advance(self, start: datetime, span: timedelta) -> datetime:
        """Return when ``span`` of calendar time after ``start`` (aware) has run out, in UTC.

        Raises:
            ValueError: ``start`` has no time zone, or ``span`` is negative.
            OverflowError: that would be after the year 9999.
        """
        ...

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """Return the calendar time between two aware instants; zero where ``end`` <= ``start``.

        Raises:
            ValueError: one of them has no time zone.
        """
        ...


@dataclass(frozen=True, slots=True)
class RealTime:
    """Around the clock: the time that really passes."""

    def advance(self, start: datetime, span: timedelta) -> datetime:
        """See `Calendar`."""
        return from_us(to_us(start) + span_us(span))

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """See `Calendar`."""
        return max(timedelta(), (to_us(end) - to_us(start)) * MICROSECOND)


@dataclass(frozen=True, slots=True)
class CivilTime:
    """Hours of the clock on the wall: 24 of them end at the same local time of the next day.

    The civil clock C(t) is the latest reading that the wall clock has come up to by t. It never
    runs backwards: where the wall clock is put back, C stands still until that has caught up, and
    where it is put forward, C jumps with it. ``elapsed`` is the difference of two C; ``advance``
    is when the wall clock first shows C(start) + span or, that being skipped, more.

    So the same local time n days later it is for any start but those in the second pass of a
    repeated hour (which count as its end), and any end but a skipped one (which becomes the moment
    of the jump).
    """

    timezone: str

    def advance(self, start: datetime, span: timedelta) -> datetime:
        """See `Calendar`."""
        target = self._reading(to_us(start)) + span_us(span)
        for begin, end, offset in segments(self.timezone, target - _REACH, target + _REACH):
            if end + offset > target:
                return from_us(max(begin, target - offset))
        raise OverflowError("the moment lies outside the years 1 to 9999")

    def elapsed(self, start: datetime, end: datetime) -> timedelta:
        """See `Calendar`."""
        first, last = to_us(start), to_us(end)
        if last <= first:
            return timedelta()
        return (self._reading(last) - self._reading(first)) * MICROSECOND

    def _reading(self, us: int) -> int:
        """Return C(us) as microseconds of a clock that showed 1970 at the epoch."""
        reach = segments(self.timezone, max(us - _REACH, FIRST), us + 1)
        return max(min(us, end) + offset for _, end, offset in reach)


# Offsets are less than a day, so a reading of two days ago is less than any of now.
_REACH = 2 * DAY


def span_us(span: timedelta) -> int:
    """Return ``span`` in microseconds.

    Raises:
        ValueError: it is negative.
        OverflowError: no two moments are that far apart.
    """
    us = span // MICROSECOND
    if us < 0:
        raise ValueError(f"a span must not be negative, got {span}")
    if us > END - FIRST:
        raise OverflowError("the moment lies outside the years 1 to 9999")
    return us
