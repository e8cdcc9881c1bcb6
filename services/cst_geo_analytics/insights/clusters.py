"""Clusters of connected hot cells."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cst_contracts.geo_insights import (
    CategoryCount,
    ClusterFeature,
    ClusterProperties,
    ClusterReport,
    HotRule,
)
from cst_core.errors import InvalidInput
from cst_geo import Box, parent
from cst_geo_analytics.domain.clusters import Heat, connected, gi_star, hull, middle
from cst_geo_analytics.domain.insight_queries import ClustersQuery
from cst_geo_analytics.domain.viewport import View, place_filter
from cst_geo_analytics.insights.repository import AnalyticsRepository
from cst_ledger.events import Document
from cst_process.core import Core

#: Cells with requests that one answer looks at.
MAX_CELLS = 20_000
TOP_CATEGORIES = 5
_FORMULAS = {
    "count": "count: number of requests",
    "priority": "priority: sum over requests of P1=8, P2=4, P3=2, P4=1",
}
_RULE = (
    "Getis and Ord's Gi* of a cell with its neighbours, as a z-score over the cells with requests "
    "in view and the empty ones within two steps of them, is at least min_z"
)


@dataclass
class _Cell:
    count: int = 0
    weight: int = 0
    categories: Counter[str] = field(default_factory=Counter)


class ClusterService:
    """Answers with clusters; the cost follows the occupied cells in view."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = AnalyticsRepository(core.db)

    async def report(self, query: ClustersQuery, *, staff: bool) -> ClusterReport:
        """Return the clusters, the heaviest first.

        Raises:
            InvalidInput: an unknown category, a bbox that is none, or more cells than one answer
                looks at.
        """
        catalog, now = await self._core.catalog.get(), self._core.clock.now()
        query.check(catalog)
        # Without a box: the city's, so that the query goes by place, too.
        box = query.box or Box(*catalog.city.bbox)
        wanted = query.wanted(staff=staff) | place_filter(box, query.resolution)
        rows = await self._repository.leaves(query.statuses, wanted)
        return await asyncio.to_thread(_report, query, View(box), rows, now)


def _report(
    query: ClustersQuery, view: View, rows: Iterable[Document], now: datetime
) -> ClusterReport:
    cells = _cells(query, view, rows)
    values = {key: float(_value(query, cell)) for key, cell in cells.items()}
    heat = gi_star(values)
    hot = {key for key, score in heat.scores.items() if score >= query.min_z}
    clusters = [_cluster(query, part, cells, heat) for part in connected(hot)]
    clusters.sort(key=lambda found: (-found.properties.weight, found.id))
    return ClusterReport(
        generated_at=now,
        resolution=query.resolution,
        rule=HotRule(
            text=_RULE,
            min_z=query.min_z,
            weight_formula=_FORMULAS[query.weight],
            cells=heat.cells,
            occupied=len(cells),
            hot=len(hot),
            mean=round(heat.mean, 6),
            deviation=round(heat.deviation, 6),
        ),
        clusters=len(clusters),
        features=clusters[: query.limit],
    )


def _cells(query: ClustersQuery, view: View, rows: Iterable[Document]) -> dict[str, _Cell]:
    cells: dict[str, _Cell] = {}
    for row in rows:
        key = parent(row["cell"], query.resolution)
        if not view.shows(key):
            continue
        cell = cells.setdefault(key, _Cell())
        cell.count += row["n"]
        cell.weight += row["w"]
        cell.categories[row["category"]] += row["n"]
        if len(cells) > MAX_CELLS:
            raise InvalidInput.field(
                "resolution",
                f"is too fine: more than {MAX_CELLS:,} cells with requests are in view",
                query.resolution,
                ["a coarser resolution", "a smaller bbox"],
            )
    return cells


def _value(query: ClustersQuery, cell: _Cell) -> int:
    return cell.count if query.weight == "count" else cell.weight


def _cluster(
    query: ClustersQuery, part: list[str], cells: Mapping[str, _Cell], heat: Heat
) -> ClusterFeature:
    values = {key: float(_value(query, cells[key])) for key in part}
    categories: Counter[str] = Counter()
    for key in part:
        categories.update(cells[key].categories)
    top = sorted(categories.items(), key=lambda item: (-item[1], item[0]))[:TOP_CATEGORIES]
    return ClusterFeature(
        id=part[0],
        geometry=hull(part),
        properties=ClusterProperties(
            cells=len(part),
            count=sum(cells[key].count for key in part),
            weight=sum(values.values()),
            max_z=round(max(heat.scores[key] for key in part), 3),
            center=middle(values),
            categories=[CategoryCount(category=code, count=n) for code, n in top],
        ),
    )
