"""Times as files write them, read as instants in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cst_core.clock import to_ms

FIRST_YEAR, LAST_YEAR = 1900, 2199
_US_12_HOURS = re.compile(r"(\d\d?)/(\d\d?)/(\d{4}) (\d\d?):(\d\d):(\d\d) ([AP])M", re.ASCII)


def us_local_time(text: str, zone: ZoneInfo) -> datetime:
    """Read ``MM/DD/YYYY hh:mm:ss AM|PM``, local time in ``zone``.

    A time that occurs twice, when clocks go back, is the first of the two. One that does not occur,
    when they go forward, is read by the offset before the change, so half past two in the missing
    hour means half past three.

    Raises:
        ValueError: it is no such time.
    """
    match = _US_12_HOURS.fullmatch(text)
    if match is None:
        raise ValueError("is not a time of the form MM/DD/YYYY hh:mm:ss AM")
    month, day, year, hour, minute, second = map(int, match.groups()[:6])
    if not 1 <= hour <= 12:
        raise ValueError(f"has no hour {hour} between 1 and 12")
    hour = hour % 12 + (12 if match[7] == "P" else 0)
    _check_year(year)
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError as error:
        raise ValueError(f"is not a time: {error}") from None
    return local.astimezone(UTC)


def iso_instant(text: str) -> datetime:
    """Read an ISO 8601 instant, to the millisecond.

    Raises:
        ValueError: it is none, or has no offset.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not an ISO 8601 time, e.g. 2026-03-02T15:00:00-05:00") from None
    if instant.tzinfo is None:
        raise ValueError("has no offset; write Z or e.g. -05:00 behind it")
    _check_year(instant.year)
    return to_ms(instant)


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
