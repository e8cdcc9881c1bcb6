"""When reports that are public as an ``area`` may be counted for the public.

The unit of release is a cell of resolution 7, a local month of creation and a category. It is
released as a whole once its month is over, where its reports lie in at least ``K_PLACES`` places,
and then as a multiple of ``STEP``, rounded down. No answer holds a part of a unit:

- coarser cells add up released units, never what lies under them;
- a box takes whole cells of the answer, which hold whole units;
- days that do not begin and end with months, filters that would split a unit (status, priority,
  zone), finer cells and other weights leave areas out altogether.

So whatever public answers are subtracted from each other, a sum of whole released units remains. A
single report of a running month is in none of them, and neither is one of a unit that is too small.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from cst_geo import parent
from cst_geo_analytics.domain.queries import HeatmapQuery

#: A unit's cell (edge about 1.4 km), and the finest one that answers with areas.
AREA_RESOLUTION = 7
#: A unit is released with at least this many distinct places (cells of resolution 10).
K_PLACES = 5
STEP = 5
RULE = (
    f"whole local months that are over, by category and cell of resolution {AREA_RESOLUTION}, "
    f"where reports lie in {K_PLACES} places or more; rounded down to multiples of {STEP}"
)


def left_out_for(query: HeatmapQuery) -> str | None:
    """Return why an answer to the public holds no areas; None where it may."""
    if query.weight != "count":
        return "areas are shown with weight=count only"
    if query.level > AREA_RESOLUTION:
        return f"areas are shown up to resolution {AREA_RESOLUTION} only"
    if query.status or query.priority or query.zone_id:
        return "areas are not told apart by status, priority or zone"
    if not (_begins_a_month(query.from_day) and _ends_a_month(query.to_day)):
        return "areas are shown for whole months only"
    return None


def _begins_a_month(day: str | None) -> bool:
    return day is None or day.endswith("-01")


def _ends_a_month(day: str | None) -> bool:
    if day is None:
        return True
    last = date.fromisoformat(day)
    return last.day == monthrange(last.year, last.month)[1]


def months_filter(query: HeatmapQuery, now: datetime) -> dict[str, Any]:
    """Return the MongoDB filter of the units that were asked for and whose month is over.

    Args:
        query: one that areas are not left out for.
        now: in the city's local time.
    """
    bounds = {"$lt": _month(now)}
    if query.from_day is not None:
        bounds["$gte"] = query.from_day[:7]
    if query.to_day is not None:
        bounds["$lte"] = query.to_day[:7]
    category = {"category": {"$in": query.category}} if query.category else {}
    return {"month": bounds} | category


def month_lasts(now: datetime) -> timedelta:
    """Return how long the local month of ``now`` (local, aware) still lasts; at least a second."""
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    end = datetime(year, month, 1, tzinfo=now.tzinfo)
    return max(timedelta(seconds=1), timedelta(seconds=end.timestamp() - now.timestamp()))


def released(rows: Iterable[Mapping[str, Any]], level: int, now: datetime) -> dict[str, int]:
    """Return the released figures by cell of ``level``.

    Args:
        rows: {month, category, cell (resolution 10), n}, with all places of each unit.
        level: resolution of the answer, at most ``AREA_RESOLUTION``.
        now: in the city's local time.
    """
    places: defaultdict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row["n"] > 0 and row["month"] < _month(now):
            unit = parent(row["cell"], AREA_RESOLUTION), row["month"], row["category"]
            places[unit][row["cell"]] = row["n"]
    figures: defaultdict[str, int] = defaultdict(int)
    for (cell, _, _), counts in places.items():
        if len(counts) >= K_PLACES:
            figures[parent(cell, level)] += sum(counts.values()) // STEP * STEP
    return dict(figures)


def _month(now: datetime) -> str:
    return f"{now:%Y-%m}"
