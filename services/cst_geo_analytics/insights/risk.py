"""Where promises break next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cst_contracts.geo_insights import (
    CategoryRisk,
    CellRisk,
    Risk,
    RiskFeature,
    RiskReport,
    ZoneRisk,
)
from cst_core.errors import InvalidInput
from cst_geo import boundary_ring, parent
from cst_geo_analytics.domain.insight_queries import RiskQuery
from cst_geo_analytics.domain.projection import NOWHERE
from cst_geo_analytics.domain.viewport import View
from cst_geo_analytics.domain.weights import HOUR, risk_until, whole_hour
from cst_geo_analytics.insights.repository import AnalyticsRepository, Wanted
from cst_ledger.events import Document
from cst_process.core import Core

#: Hexagons of one answer.
MAX_FEATURES = 10_000


@dataclass
class _Sums:
    """Promises of a place; by category [due, overdue]."""

    due: int = 0
    overdue: int = 0
    next_due_at: datetime | None = None
    categories: defaultdict[str, list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0])
    )

    def add(self, row: Mapping[str, Any]) -> None:
        """Add promises: {category, past, n, next}."""
        self.categories[row["category"]][row["past"]] += row["n"]
        if row["past"]:
            self.overdue += row["n"]
            return
        self.due += row["n"]
        self.next_due_at = min(self.next_due_at or row["next"], row["next"])

    def fields(self, now: datetime) -> dict[str, Any]:
        """Return the fields of a `Risk`."""
        by_category = sorted(
            self.categories.items(), key=lambda item: (-item[1][0], -item[1][1], item[0])
        )
        ahead = None if self.next_due_at is None else (self.next_due_at - now) / HOUR
        return {
            "due": self.due,
            "overdue": self.overdue,
            "next_due_at": self.next_due_at,
            "hours_to_next": None if ahead is None else round(ahead, 2),
            "categories": [
                CategoryRisk(category=code, due=due, overdue=overdue)
                for code, (due, overdue) in by_category
            ],
        }

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts the most due first."""
        return -self.due, -self.overdue


class RiskService:
    """Answers from sums by the hour a promise falls due; of the running hour one by one."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: RiskQuery, *, staff: bool) -> RiskReport:
        """Return cells and zones with open requests that are overdue or fall due.

        Raises:
            InvalidInput: an unknown category, a bbox that is none, or too many hexagons.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        view = View(query.box)
        rows = await self._promises(query, now, query.wanted(staff=staff))
        totals, zones, cells = _Sums(), defaultdict[str, _Sums](_Sums), dict[str, _Sums]()
        for row in rows:
            totals.add(row)
            zones[row["zone_id"]].add(row)
            _add_cell(cells, row, query, view)
        return RiskReport(
            generated_at=now,
            until=risk_until(now, query.hours),
            resolution=query.resolution,
            totals=Risk(**totals.fields(now)),
            features=_features(cells, now),
            zones=[
                ZoneRisk(zone_id=key, name=catalog.zone_names.get(key), **sums.fields(now))
                for key, sums in _ranked(zones)
            ],
        )

    async def _promises(self, query: RiskQuery, now: datetime, wanted: Wanted) -> list[Document]:
        """Return rows {cell, zone_id, category, past, n, next}."""
        hour = whole_hour(now)
        rows = await self._repository.promises(hour, risk_until(now, query.hours), wanted)
        running = await self._repository.due_between(hour, hour + HOUR, wanted)
        return rows + [
            {
                "cell": row["cell"] or NOWHERE,
                "zone_id": row["zone_id"],
                "category": row["category"],
                "past": row["due_at"] < now,
                "n": 1,
                "next": row["due_at"],
            }
            for row in running
        ]


def _add_cell(
    cells: dict[str, _Sums], row: Mapping[str, Any], query: RiskQuery, view: View
) -> None:
    if row["cell"] == NOWHERE:
        return
    key = parent(row["cell"], query.resolution)
    if not view.shows(key):
        return
    cells.setdefault(key, _Sums()).add(row)
    if len(cells) > MAX_FEATURES:
        raise InvalidInput.field(
            "resolution",
            f"is too fine: more than {MAX_FEATURES:,} hexagons are in view",
            query.resolution,
            ["a coarser resolution", "a smaller bbox"],
        )


def _ranked(places: Mapping[str, _Sums]) -> Iterable[tuple[str, _Sums]]:
    return sorted(places.items(), key=lambda item: (item[1].rank, item[0]))


def _features(cells: Mapping[str, _Sums], now: datetime) -> list[RiskFeature]:
    return [
        RiskFeature(
            id=key,
            geometry={"type": "Polygon", "coordinates": [boundary_ring(key)]},
            properties=CellRisk(cell=key, **sums.fields(now)),
        )
        for key, sums in _ranked(cells)
    ]
