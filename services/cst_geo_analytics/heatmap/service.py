"""Geo-analytics' use case: the heatmap."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cst_geo_analytics.domain.heatmap import FormatName, Heatmap, check_size
from cst_geo_analytics.domain.making import Making, feed_name
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.heatmap.cache import FeedCache, Kept
from cst_geo_analytics.heatmap.repository import FeedRepository, HeatmapRepository
from cst_geo_analytics.heatmap.single_flight import SingleFlight
from cst_geo_analytics.projections.gate import Gate
from cst_process.core import Core


class Heatmaps:
    """Answers from the projections; the cost follows the occupied cells in view."""

    def __init__(self, core: Core, gate: Gate) -> None:
        self._core = core
        self._gate = gate
        self._sums = HeatmapRepository(core.db)
        self._cache = FeedCache(FeedRepository(core.db))
        self._flights = SingleFlight[Heatmap]()

    async def get(
        self, query: HeatmapQuery, *, staff: bool, form: FormatName = "geojson"
    ) -> Heatmap:
        """Return a heatmap, from the cache while no event has come since.

        Args:
            query: what is asked for.
            staff: whether to show everything; else what the public may see.
            form: how it will be told, which limits its size.

        Raises:
            InvalidInput: a wrong parameter, or too many hexagons.
        """
        query.check(await self._core.catalog.get())
        name, version = feed_name(query, staff=staff), await self._gate.version()
        kept = await self._cache.find(name)
        if kept is not None and kept.is_fresh(version):
            heatmap = kept.heatmap
        else:
            # Who has seen a newer version does not wait for what was begun before it.
            heatmap = await self._flights.run(
                (name, version), lambda: self._renewed(query, staff, version, kept)
            )
        check_size(len(heatmap.hexagons), query, form)
        return heatmap

    async def taken(self, query: HeatmapQuery, *, staff: bool) -> Heatmap:
        """Return a heatmap as it is now, past the cache.

        Raises:
            InvalidInput: a wrong parameter, or too many hexagons for GeoJSON.
        """
        query.check(await self._core.catalog.get())
        heatmap = await self._made(Making(query, staff=staff, now=await self._now()))
        check_size(len(heatmap.hexagons), query, "geojson")
        return heatmap

    async def _renewed(
        self, query: HeatmapQuery, staff: bool, version: str | None, known: Kept | None
    ) -> Heatmap:
        making = Making(query, staff=staff, now=await self._now())
        heatmap = await self._made(making)
        if known is not None:
            heatmap = await asyncio.to_thread(heatmap.told_as_of, known.heatmap)
        if version is not None:
            await self._cache.keep(heatmap, version, self._wall_time(making.lasts()), known)
        return heatmap

    async def _made(self, making: Making) -> Heatmap:
        async for row in self._sums.cells(making.source, making.wanted, making.statuses):
            making.add(row)
        if (wanted := making.areas_wanted) is not None:
            making.add_areas(await self._sums.areas(wanted))
        return await asyncio.to_thread(making.heatmap)

    async def _now(self) -> datetime:
        """Return the time in the city."""
        city = (await self._core.catalog.get()).city
        return self._core.clock.now().astimezone(ZoneInfo(city.timezone))

    def _wall_time(self, span: timedelta | None) -> timedelta | None:
        """Return how long a span of the shared clock takes; None for a day or more."""
        seconds = float("inf") if span is None else self._core.clock.wall_seconds(span)
        return timedelta(seconds=seconds) if seconds < 86_400 else None
