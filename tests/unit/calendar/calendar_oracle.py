"""What a calendar says, read minute by minute off the local clock: slow, and none of CST's code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = {day: [["08:30", "17:00"]] for day in WEEKDAYS[:5]}
NEW_YORK = "America/New_York"


def business(timezone: str = NEW_YORK, **terms: Any) -> dict[str, Any]:
    """Terms of opening hours, by default an office's without holidays."""
    plain = {"weekly": OFFICE, "country": None, "subdivision": None, "closures": []}
    return {"kind": "business", "timezone": timezone, "works_on": []} | plain | terms


def at(text: str, timezone: str = NEW_YORK) -> datetime:
    """Read a local time; ``*`` behind it means the second pass of a repeated hour."""
    local = datetime.fromisoformat(text.removesuffix("*"))
    return local.replace(tzinfo=ZoneInfo(timezone), fold=text.endswith("*")).astimezone(UTC)


@dataclass(frozen=True)
class Window:
    """Some days of a calendar by the minute; instants are minutes since ``day`` began in UTC."""

    name: str
    day: str
    terms: Mapping[str, Any]
    days: int = 12
    holidays: Sequence[str] = field(default=())

    def instant(self, minute: int) -> datetime:
        return datetime.fromisoformat(self.day).replace(tzinfo=UTC) + minute * MINUTE

    @cached_property
    def minutes(self) -> int:
        return self.days * 24 * 60

    @cached_property
    def readings(self) -> list[datetime]:
        zone = ZoneInfo(self.terms["timezone"])
        instants = map(self.instant, range(self.minutes))
        return [instant.astimezone(zone).replace(tzinfo=None) for instant in instants]

    @cached_property
    def ticks(self) -> list[bool]:
        """Tell of each minute whether the calendar is open, by the reading of the local clock."""
        closed = set(self.terms["closures"]) | (set(self.holidays) - set(self.terms["works_on"]))
        return [
            reading.date().isoformat() not in closed
            and any(
                opens <= f"{reading:%H:%M}" < closes
                for opens, closes in self.terms["weekly"].get(WEEKDAYS[reading.weekday()], [])
            )
            for reading in self.readings
        ]

    @cached_property
    def civil(self) -> list[datetime]:
        """The latest reading that the clock has come up to by each minute."""
        ends = [reading + MINUTE for reading in self.readings]
        peaks = accumulate([self.readings[0], *ends[:-1]], max)
        return list(map(max, self.readings, peaks))

    def elapsed(self, start: int, end: int, pauses: Sequence[tuple[int, int]] = ()) -> int:
        """Count the open minutes from ``start`` to ``end`` outside the pauses."""
        counted = bytearray(self.ticks[start:end])
        for first, last in pauses:
            for minute in range(max(first, start), min(last, end)):
                counted[minute - start] = 0
        return sum(counted)

    def due(self, start: int, span: int, pauses: Sequence[tuple[int, int]] = ()) -> int | None:
        """Return when ``span`` minutes outside the pauses are over and it is open, if it is yet."""
        paused = {minute for first, last in pauses for minute in range(first, last)}
        minute = start
        while span and minute < self.minutes:
            span -= self.ticks[minute] and minute not in paused
            minute += 1
        while minute < self.minutes and not self.ticks[minute]:
            minute += 1
        return minute if minute < self.minutes else None
