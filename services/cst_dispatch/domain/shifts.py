"""When an agent works: weekly shifts in the agent's own time zone, also over midnight, less leave.

A shift runs from the instant at which the clock on the wall first shows its start to the one at
which it first shows its end. A time that the clocks skip is taken as if they had not changed yet;
a shift that would end before it starts for that does not take place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cst_ledger.events import Document

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: After every instant that matters; what ends here never ends.
FOREVER = datetime(9990, 1, 1, tzinfo=UTC)
#: From one instant (inclusive) to another (exclusive), both in UTC.
Window = tuple[datetime, datetime]
#: Day, start and end of each shift: what a week's windows are kept by.
_Shifts = tuple[tuple[str, str, str], ...]

#: Who works all this time always does. More than a week, since a change of the clocks can take the
#: only shift of one.
_LOOKAHEAD = timedelta(days=21)
_WEEK = 7


def on_shift(schedule: dict[str, Any], now: datetime) -> bool:
    """Tell whether one of the shifts runs at ``now`` (aware)."""
    now = now.astimezone(UTC)
    return any(start <= now < end for start, end in _near(schedule, now, weeks=0))


def works(agent: Document, now: datetime, *, on_call: bool) -> bool:
    """Tell whether an agent works at ``now`` (aware): on shift, and not on leave.

    With ``on_call``, who is on call works at all times but during leave.
    """
    if on_leave(agent, now):
        return False
    return (on_call and bool(agent["schedule"]["on_call"])) or on_shift(agent["schedule"], now)


def on_leave(agent: Document, now: datetime) -> bool:
    """Tell whether a leave of the agent runs at ``now`` (aware)."""
    return any(leave["starts_at"] <= now < leave["ends_at"] for leave in agent["leave"])


def next_start(agent: Document, now: datetime, *, on_call: bool) -> datetime | None:
    """Return the first instant after ``now`` (aware) at which the agent begins to ``works``.

    That is a shift's start or a leave's end, in UTC; None where there is none. Of somebody who
    works now it is the start after the next break.
    """
    stretches = _stretches(agent, now.astimezone(UTC), on_call=on_call)
    return next((start for start, _ in stretches if start > now), None)


def next_change(agent: Document, now: datetime, *, on_call: bool) -> datetime | None:
    """Return the first instant after ``now`` (aware) at which ``works`` is not what it is now.

    In UTC; None where it stays so.
    """
    stretches = _stretches(agent, now.astimezone(UTC), on_call=on_call)
    edges = (edge for stretch in stretches for edge in stretch)
    return next((edge for edge in edges if now < edge < FOREVER), None)


def pieces(schedule: dict[str, Any], begin: datetime) -> Iterator[Window]:
    """Yield when shifts run from ``begin`` (UTC) on, in order, each moment once, without an end.

    Pieces can touch. Nothing without shifts.
    """
    reached = begin
    for start, end in _in_order(schedule, begin):
        if end > reached:
            yield max(start, reached), end
            reached = end


def pieces_until(schedule: dict[str, Any], begin: datetime, limit: datetime) -> Iterator[Window]:
    """Yield the ``pieces`` from ``begin`` on that start by ``limit``, which they can go beyond."""
    return takewhile(lambda piece: piece[0] <= limit, pieces(schedule, begin))


def without(runs: Iterable[Window], breaks: Iterable[Window]) -> Iterator[Window]:
    """Yield what ``runs`` leave outside ``breaks``; both in order, each without overlaps."""
    pauses = iter(breaks)
    pause = next(pauses, None)
    for start, end in runs:
        while pause is not None and pause[0] < end:
            if start < pause[0]:
                yield start, pause[0]
            start = max(start, pause[1])
            if pause[1] > end:
                break
            pause = next(pauses, None)
        if start < end:
            yield start, end


def union(runs: Iterable[Window]) -> list[Window]:
    """Return the same time in order, as windows that neither overlap, touch nor are empty."""
    result: list[Window] = []
    for start, end in sorted(runs):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(result[-1][1], end)
        else:
            result.append((start, end))
    return result


def leaves(agent: Document, after: datetime) -> list[Window]:
    """Return the times of leave that end after ``after``, as a ``union`` in UTC."""
    return union(
        (leave["starts_at"].astimezone(UTC), leave["ends_at"].astimezone(UTC))
        for leave in agent["leave"]
        if leave["ends_at"] > after
    )


def _stretches(agent: Document, now: datetime, *, on_call: bool) -> Iterator[Window]:
    """Yield when the agent works from ``now`` on; between two leaves only the first stretches."""
    schedule = agent["schedule"]
    for begin, end in without([(now, FOREVER)], leaves(agent, now)):
        if on_call and schedule["on_call"]:
            yield begin, end
            continue
        limit = min(end, begin + _LOOKAHEAD)
        for start, stop in _joined(pieces_until(schedule, begin, limit)):
            if start < end:
                yield start, min(stop, end) if stop <= limit else end


def _joined(runs: Iterable[Window]) -> Iterator[Window]:
    """Yield what is in order and does not overlap, with pieces that touch as one."""
    running: Window | None = None
    for start, end in runs:
        if running is not None and start == running[1]:
            running = running[0], end
            continue
        if running is not None:
            yield running
        running = start, end
    if running is not None:
        yield running


def _near(schedule: dict[str, Any], now: datetime, *, weeks: int) -> Iterator[Window]:
    """Yield the shifts that start between the week before ``now`` and ``weeks`` after its week."""
    shifts, monday = _key(schedule), _monday(schedule, now)
    for week in range(-1, weeks + 1):
        yield from _week(schedule["timezone"], shifts, monday + week * _WEEK)


def _in_order(schedule: dict[str, Any], begin: datetime) -> Iterator[Window]:
    """Yield the shifts from the week before ``begin`` on, without an end; nothing without any."""
    shifts, monday = _key(schedule), _monday(schedule, begin) - _WEEK
    while shifts:
        yield from _week(schedule["timezone"], shifts, monday)
        monday += _WEEK


def _key(schedule: dict[str, Any]) -> _Shifts:
    return tuple((shift["day"], shift["start"], shift["end"]) for shift in schedule["shifts"])


def _monday(schedule: dict[str, Any], now: datetime) -> int:
    """Return the proleptic ordinal of the Monday of ``now``'s local week."""
    today = now.astimezone(ZoneInfo(schedule["timezone"])).date()
    return today.toordinal() - today.weekday()


# Crews share their schedules, and everybody asks for the same few weeks.
@lru_cache(maxsize=8192)
def _week(timezone: str, shifts: _Shifts, monday: int) -> tuple[Window, ...]:
    """Return the shifts that start in the local week of ``monday`` (an ordinal), by their start."""
    zone = ZoneInfo(timezone)
    found = (
        _instants(start, end, date.fromordinal(monday + DAYS.index(day)), zone)
        for day, start, end in shifts
    )
    return tuple(sorted(window for window in found if window[0] < window[1]))


def _instants(start: str, end: str, day: date, zone: ZoneInfo) -> Window:
    begin, stop = time.fromisoformat(start), time.fromisoformat(end)
    last = day if stop > begin else day + timedelta(days=1)
    first = datetime.combine(day, begin, zone).astimezone(UTC)
    return first, datetime.combine(last, stop, zone).astimezone(UTC)
