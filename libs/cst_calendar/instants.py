"""Instants as whole microseconds since 1970-01-01 UTC, within the years that datetime has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
#: Microseconds of a day.
DAY = 86_400_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
LAST_YEAR = 9999


def to_us(moment: datetime) -> int:
    """Return the microseconds from the epoch to ``moment``.

    Raises:
        ValueError: ``moment`` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"must be an aware datetime, got {moment.isoformat()}")
    return (moment - EPOCH) // MICROSECOND


def from_us(us: int) -> datetime:
    """Return the instant ``us`` microseconds after the epoch, in UTC.

    Raises:
        OverflowError: it lies outside the years 1 to 9999.
    """
    try:
        return EPOCH + timedelta(microseconds=us)
    except OverflowError:
        raise OverflowError("the moment lies outside the years 1 to 9999") from None


def day_us(ordinal: int) -> int:
    """Return when the day of a proleptic ordinal begins, as a reading or in UTC."""
    return (ordinal - _EPOCH_DAY) * DAY


def year_us(year: int) -> int:
    """Return when ``year`` (1 to 10000) begins in UTC, in microseconds since the epoch."""
    last = date.max.toordinal() + 1
    return day_us(date(year, 1, 1).toordinal() if year <= LAST_YEAR else last)


def year_of(us: int) -> int:
    """Return the year in UTC of the instant ``us``, the nearest of 1 to 9999 if it has none."""
    return (EPOCH + timedelta(microseconds=min(max(us, FIRST), END - 1))).year


#: The first instant that datetime has, and the first after the last one.
FIRST, END = year_us(1), year_us(LAST_YEAR + 1)
