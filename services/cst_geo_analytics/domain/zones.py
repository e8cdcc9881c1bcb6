"""Zone summaries: which value is a median, and how a span of days is put together of months."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Local days, both inclusive."""

    first: date
    last: date

    @classmethod
    def ending(cls, last: date, days: int) -> Span:
        """Return the span of so many days that ends with ``last``."""
        return cls(last - timedelta(days=days - 1), last)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Span:
        """The span of the same length that ends the day before."""
        return Span.ending(self.first - _DAY, self.days)

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return when it begins and when the day after it does, in UTC."""
        return midnight(self.first, zone), midnight(self.last + _DAY, zone)


@dataclass(frozen=True, slots=True)
class Parts:
    """A span as whole months ("2015-01") and what is left of days before and after them."""

    months: tuple[str, ...]
    days: tuple[Span, ...]


def parts_of(span: Span) -> Parts:
    """Return the whole months within a span, and the days at its ends that are in none."""
    months, month = list[date](), span.first.replace(day=1)
    if month < span.first:
        month = _next_month(month)
    while _next_month(month) - _DAY <= span.last:
        months.append(month)
        month = _next_month(month)
    if not months:
        return Parts((), (span,))
    ends = (
        Span(span.first, months[0] - _DAY),
        Span(_next_month(months[-1]), span.last),
    )
    return Parts(
        tuple(f"{month:%Y-%m}" for month in months),
        tuple(end for end in ends if end.first <= end.last),
    )


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value of a rank lies: on which day, and how many of that day come before it."""

    day: str
    skip: int


def middle_places(by_day: Mapping[str, int]) -> list[Place]:
    """Return where the median's value lies among values in order of their days.

    Of an even count it is the mean of two values, so there are two places; none of none.

    Args:
        by_day: how many values each day ("2015-01-20") has.
    """
    total = sum(by_day.values())
    if total <= 0:
        return []
    ranks = sorted({(total - 1) // 2, total // 2})
    return [_place(by_day, rank) for rank in ranks]


def _place(by_day: Mapping[str, int], rank: int) -> Place:
    below = 0
    for day in sorted(by_day):
        if below + by_day[day] > rank:
            return Place(day, rank - below)
        below += by_day[day]
    raise AssertionError("a rank is below the count")


def percent(part: int, whole: int) -> float | None:
    """Return a percentage to two places; None of nothing."""
    return round(100 * part / whole, 2) if whole else None
