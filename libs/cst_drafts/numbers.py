"""Requests' public numbers: ``CST-<year of the city>-<number>``, handed out in blocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cst_city.models import CitySpec
from cst_core.ids import request_number
from cst_mongo.counters import BlockCounter


def number_series(year: int) -> str:
    """Return the name of the counter that numbers the requests of a year."""
    return f"requests-{year}"


async def next_number(counter: BlockCounter, city: CitySpec, now: datetime) -> str:
    """Return a number that no request has; one that is not used in the end is a gap."""
    year = now.astimezone(ZoneInfo(city.timezone)).year
    return request_number(year, await counter.next(number_series(year)))
