"""The offsets of a time zone, as segments of UTC between its changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

from cst_calendar.instants import DAY, END, FIRST, MICROSECOND, from_us, year_of, year_us

#: From one instant (inclusive) to another (exclusive), and the offset of the readings between them:
#: all in microseconds; reading = instant + offset.
Segment = tuple[int, int, int]

_SECOND = 1_000_000


def segments(zone: str, start: int, end: int) -> Iterator[Segment]:
    """Yield the zone's segments that overlap [start, end), in order.

    Segments end at every change and at every New Year in UTC, so neighbours may have one offset.
    """
    for year in range(year_of(start), year_of(end) + 1):
        for segment in _year_segments(zone, year):
            if segment[0] < end and segment[1] > start:
                yield segment


# The tzdata of zoneinfo has no list of changes to ask for: each day's offset is compared with the
# next one's, and the second of a change found by halving. No zone changes twice within a day.
@lru_cache(maxsize=4096)
def _year_segments(zone: str, year: int) -> tuple[Segment, ...]:
    place = ZoneInfo(zone)
    first, end = year_us(year), year_us(year + 1)
    result: list[Segment] = []
    start, offset = first, _offset(place, first)
    for day in range(first + DAY, end + DAY, DAY):
        later = _offset(place, day)
        if later != offset:
            change = _change(place, day - DAY, day)
            result.append((start, change, offset))
            start, offset = change, later
    result.append((start, end, offset))
    return tuple(segment for segment in result if segment[0] < segment[1])


def _change(place: ZoneInfo, low: int, high: int) -> int:
    """Return the first second after ``low`` at which the offset differs from the one at ``low``."""
    before = _offset(place, low)
    while high - low > _SECOND:
        middle = low + (high - low) // (2 * _SECOND) * _SECOND
        if _offset(place, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(place: ZoneInfo, us: int) -> int:
    # Next to the first and the last day that there are, the reading may have none.
    instant = from_us(min(max(us, FIRST + DAY), END - 1 - DAY)).astimezone(place)
    offset = instant.utcoffset()
    assert offset is not None
    return offset // MICROSECOND
