"""Geo-analytics' use case: the heatmap."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from cst_contracts.documents import GeoFeed
from cst_core.clock import wall_now
from cst_geo.cells import center, edge_degrees
from cst_geo.params import parse_bbox
from cst_geo_analytics.domain.heatmap import WEIGHT_FORMULAS, features, roll_up
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.repository import GeoRepository
from cst_ledger.chain import canonical
from cst_process.core import Core

#: How long a cached heatmap is served before its cells are read again.
FEED_TTL = timedelta(seconds=2)
#: A parent's centre is at most about this many of its edges from its leaves' centres.
MARGIN_EDGES = 3.0

Box = tuple[float, float, float, float]


class GeoService:
    """Answers from the projections; the cost follows the occupied cells in view."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = GeoRepository(core.db)

    async def heatmap(self, query: HeatmapQuery, *, staff: bool) -> GeoFeed:
        """Return hexagons with their sums, from the cache while it is fresh.

        Raises:
            InvalidInput: unknown category or zone, or a bbox that is none.
        """
        query.check(await self._core.catalog.get())
        filters = query.model_dump(exclude_defaults=True) | {"resolution": query.resolution}
        digest = hashlib.sha256(canonical(filters)).hexdigest()[:16]
        name = f"heatmap-{'staff' if staff else 'public'}-{digest}"
        cached = await self._repository.feed(name)
        if cached is not None and cached["expires_at"] > wall_now():
            return GeoFeed.model_validate(cached)
        feed = await self._heatmap_feed(name, filters, query, staff)
        await self._repository.save_feed(feed)
        return GeoFeed.model_validate(feed)

    async def _heatmap_feed(
        self, name: str, filters: dict[str, Any], query: HeatmapQuery, staff: bool
    ) -> dict[str, Any]:
        box = parse_bbox(query.bbox) if query.bbox is not None else None
        wanted = query.wanted() | (_leaf_bounds(box, query.resolution) if box else {})
        cells = roll_up(await self._repository.leaves(wanted), query.resolution, staff=staff)
        if box is not None:
            cells = {cell: sums for cell, sums in cells.items() if _inside(box, cell)}
        return self._feed(name, filters, features(cells, query.weight, staff=staff), query)

    def _feed(
        self,
        name: str,
        filters: dict[str, Any],
        hexagons: list[dict[str, Any]],
        query: HeatmapQuery,
    ) -> dict[str, Any]:
        return {
            "feed_name": name,
            "generated_at": self._core.clock.now(),
            "filters": filters,
            "geojson": {"type": "FeatureCollection", "features": hexagons},
            "aggregation": {
                "method": "h3",
                "weight_formula": f"{query.weight}: {WEIGHT_FORMULAS[query.weight]}",
                "tile_hint": f"h3:{query.resolution}",
            },
            "expires_at": wall_now() + FEED_TTL,
            "etag": hashlib.sha256(canonical(hexagons)).hexdigest()[:32],
        }


def _leaf_bounds(box: Box, resolution: int) -> dict[str, Any]:
    """Bounds of leaves whose parent's centre can lie in the box: it, and a margin around it."""
    west, south, east, north = box
    margin = MARGIN_EDGES * edge_degrees(resolution)
    # A degree of longitude shrinks towards the poles; cities lie well below 70 degrees.
    wide = margin * 3
    return {
        "lon": {"$gte": west - wide, "$lte": east + wide},
        "lat": {"$gte": south - margin, "$lte": north + margin},
    }


def _inside(box: Box, cell: str) -> bool:
    west, south, east, north = box
    lon, lat = center(cell)
    return west <= lon < east and south <= lat < north
