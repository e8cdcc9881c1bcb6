"""A calendar from the terms that a request carries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cst_calendar.business import Business, public_holidays, weekly_hours
from cst_calendar.calendars import Calendar, CivilTime, RealTime

_AROUND_THE_CLOCK = RealTime()
# Any year will do to learn whether a country is known.
_SOME_YEAR = 2015


def calendar_of(terms: Mapping[str, Any] | None) -> Calendar:
    """Return the calendar of ``terms``, the same object for the same content.

    - None: around the clock, the time that really passes.
    - ``{"kind": "civil-days", "timezone": …}``: hours of the local clock, see `CivilTime`.
    - ``{"kind": "business", "timezone": …, "weekly": {"mon": [["08:30", "17:00"]], …}, "country":
      "US" or None, "subdivision": "MA" or None, "closures": ["2015-01-27", …], "works_on": […]}``:
      opening hours, see `Business`; only the kind, the time zone and the week are required.

    Raises:
        ValueError: the kind, time zone, country or subdivision is unknown, a time or date is none,
            or the calendar is never open.
        KeyError: a required key is missing.
    """
    return _AROUND_THE_CLOCK if terms is None else _made(json.dumps(terms, sort_keys=True))


@lru_cache(maxsize=512)
def _made(content: str) -> Calendar:
    terms = json.loads(content)
    timezone = _timezone(terms["timezone"])
    if terms["kind"] == "civil-days":
        return CivilTime(timezone)
    if terms["kind"] != "business":
        raise ValueError(f"{terms['kind']!r} is no kind of calendar")
    country, subdivision = terms.get("country"), terms.get("subdivision")
    if country is not None:
        public_holidays(country, subdivision, _SOME_YEAR)
    return Business(
        timezone,
        weekly_hours(terms["weekly"]),
        country,
        subdivision,
        _days(terms.get("closures") or ()),
        _days(terms.get("works_on") or ()),
    )


def _timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except ZoneInfoNotFoundError:
        raise ValueError(f"{name!r} is no time zone") from None


def _days(texts: Iterable[str]) -> frozenset[int]:
    return frozenset(date.fromisoformat(text).toordinal() for text in texts)
