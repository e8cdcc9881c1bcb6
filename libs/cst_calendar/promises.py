"""When a promise falls due, and how much of it is used up, while its clock is sometimes paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cst_calendar.calendars import Calendar
from cst_calendar.instants import from_us, to_us
from cst_calendar.intervals import merged

#: Two aware instants, the first not after the second.
Pause = tuple[datetime, datetime]


def due(
    calendar: Calendar, start: datetime, hours: float, pauses: Sequence[Pause] = ()
) -> datetime:
    """Return when ``hours`` of ``calendar`` after ``start`` (aware) have run out, in UTC.

    Time inside a pause does not count; pauses may come in any order, overlap, be empty or lie
    before the start. What runs out just when a pause begins is due then.

    Raises:
        ValueError: ``hours`` is negative or no number, or an instant has no time zone.
        OverflowError: that would be after the year 9999.
    """
    left = timedelta(hours=hours)
    for begin, end in _clipped(pauses, start):
        before = calendar.elapsed(start, begin)
        if left <= before:
            break
        left -= before
        start = end
    return calendar.advance(start, left)


def used(
    calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()
) -> timedelta:
    """Return the calendar time from ``start`` to ``end`` outside the pauses; zero backwards.

    Raises:
        ValueError: an instant has no time zone.
    """
    paused = (calendar.elapsed(begin, min(until, end)) for begin, until in _clipped(pauses, start))
    return calendar.elapsed(start, end) - sum(paused, timedelta())


def _clipped(pauses: Sequence[Pause], start: datetime) -> list[Pause]:
    """Return the pauses from ``start`` on, in order and apart from each other."""
    first = to_us(start)
    spans = merged((max(to_us(begin), first), to_us(end)) for begin, end in pauses)
    return [(from_us(begin), from_us(end)) for begin, end in spans]
