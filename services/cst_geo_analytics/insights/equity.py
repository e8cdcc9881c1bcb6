"""Equity: how long places wait, without reading anything into small numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_contracts.geo_insights import (
    CellShare,
    CellShareFeature,
    EquityReport,
    MedianResolution,
    ZoneShare,
)
from cst_core.errors import InvalidInput
from cst_geo import boundary_ring, parent
from cst_geo_analytics.domain.insight_queries import EquityQuery
from cst_geo_analytics.domain.medians import CONFIDENCE, FEW, Median, median_of
from cst_geo_analytics.domain.projection import NOWHERE, local
from cst_geo_analytics.domain.viewport import View
from cst_geo_analytics.insights.repository import AnalyticsRepository
from cst_ledger.events import Document
from cst_process.core import Core

#: Hexagons of one answer.
MAX_FEATURES = 10_000
_Places = defaultdict[str, defaultdict[int, int]]


class EquityService:
    """Answers from sums by month, place and duration."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: EquityQuery, *, staff: bool) -> EquityReport:
        """Return median resolution by zone and by cell.

        Raises:
            InvalidInput: an unknown category, months that are none or the wrong way round, a bbox
                that is none, or too many hexagons.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        first, last = query.months(local(now, ZoneInfo(catalog.city.timezone)).date())
        view, wanted = View(query.box), query.wanted(staff=staff)
        by_zone = _places(await self._repository.outcomes(first, last, "zone_id", wanted))
        by_cell = await self._repository.outcomes(first, last, "cell", wanted)
        city = median_of(_sum(by_zone.values()))
        return EquityReport(
            generated_at=now,
            first_month=first,
            last_month=last,
            confidence=CONFIDENCE,
            few_below=FEW,
            resolution=query.resolution,
            city=MedianResolution(**_hours(city)),
            zones=_zones(by_zone, city, catalog),
            features=_features(_cells(by_cell, query, view), city),
        )


def _places(rows: Iterable[Document]) -> _Places:
    places: _Places = defaultdict(lambda: defaultdict(int))
    for row in rows:
        places[row["zone_id"]][row["bucket"]] += row["n"]
    return places


def _cells(rows: Iterable[Document], query: EquityQuery, view: View) -> _Places:
    cells: _Places = defaultdict(lambda: defaultdict(int))
    for row in rows:
        if row["cell"] == NOWHERE:
            continue
        key = parent(row["cell"], query.resolution)
        if view.shows(key):
            cells[key][row["bucket"]] += row["n"]
    if len(cells) > MAX_FEATURES:
        raise InvalidInput.field(
            "resolution",
            f"is too fine: {len(cells):,} hexagons are in view, of {MAX_FEATURES:,} at most",
            query.resolution,
            ["a coarser resolution", "a smaller bbox"],
        )
    return cells


def _sum(places: Iterable[Mapping[int, int]]) -> dict[int, int]:
    total: defaultdict[int, int] = defaultdict(int)
    for counts in places:
        for bucket, count in counts.items():
            total[bucket] += count
    return total


def _hours(median: Median) -> dict[str, Any]:
    """The fields of a `MedianResolution`."""
    found = {"median": median.minutes, "low": median.low, "high": median.high}
    hours = {
        f"{name}_hours": None if minutes is None else round(minutes / 60, 2)
        for name, minutes in found.items()
    }
    return {"count": median.count, "few": median.few, **hours}


def _share(median: Median, city: Median) -> dict[str, Any]:
    """The fields of a `Share`."""
    own, low, high = median.minutes, median.low, median.high
    if own is None or low is None or high is None or not city.minutes:
        return _hours(median) | {"ratio": None, "differs": False}
    return _hours(median) | {
        "ratio": round(own / city.minutes, 3),
        "differs": not low <= city.minutes <= high,
    }


def _zones(places: _Places, city: Median, catalog: Catalog) -> list[ZoneShare]:
    return [
        ZoneShare(
            zone_id=key, name=catalog.zone_names.get(key), **_share(median_of(places[key]), city)
        )
        for key in sorted(places)
    ]


def _features(cells: _Places, city: Median) -> list[CellShareFeature]:
    return [
        CellShareFeature(
            id=key,
            geometry={"type": "Polygon", "coordinates": [boundary_ring(key)]},
            properties=CellShare(cell=key, **_share(median_of(cells[key]), city)),
        )
        for key in sorted(cells)
    ]
