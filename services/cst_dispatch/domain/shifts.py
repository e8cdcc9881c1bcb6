"""When an agent works: weekly shifts in the agent's own time zone, also over midnight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def on_shift(schedule: dict[str, Any], now: datetime) -> bool:
    """Tell whether one of the shifts runs at ``now`` (aware)."""
    return any(start <= now < end for start, end in _around(schedule, now, days=1))


def next_shift_start(schedule: dict[str, Any], now: datetime) -> datetime | None:
    """Return the next start of a shift after ``now``, in UTC; None without shifts."""
    starts = [start for start, _ in _around(schedule, now, days=7) if start > now]
    return min(starts, default=None)


def _around(
    schedule: dict[str, Any], now: datetime, *, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the shifts that start between the day before ``now`` and ``days`` after it, in UTC."""
    zone = ZoneInfo(schedule["timezone"])
    today = now.astimezone(zone).date()
    for offset in range(-1, days + 1):
        day = today + timedelta(days=offset)
        for shift in schedule["shifts"]:
            if shift["day"] == DAYS[day.weekday()]:
                yield _instants(shift, day, zone)


def _instants(shift: dict[str, Any], day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start, end = time.fromisoformat(shift["start"]), time.fromisoformat(shift["end"])
    last = day if end > start else day + timedelta(days=1)
    begin = datetime.combine(day, start, zone)
    return begin.astimezone(UTC), datetime.combine(last, end, zone).astimezone(UTC)
