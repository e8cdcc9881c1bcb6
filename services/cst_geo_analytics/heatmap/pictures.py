"""Heatmaps as pictures, for reports."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_core.errors import Unavailable
from cst_geo import Box
from cst_geo_analytics.domain.heatmap import Heatmap
from cst_geo_analytics.heatmap.drawing import Sheet, drawn
from cst_process.core import Core

#: Pixels: the least and the most of either side, and what is drawn unless something is asked for.
LEAST, MOST, WIDTH, HEIGHT = 200, 2_000, 1_024, 768
#: One is drawn at a time, which takes a second at worst; so many may wait for their turn.
MAX_WAITING = 8


class Pictures:
    """Draws heatmaps in a thread, one at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def tag(self, heatmap: Heatmap, width: int = WIDTH, height: int = HEIGHT) -> str:
        """Return what names the picture: it changes with whatever is drawn."""
        city = (await self._core.catalog.get()).fingerprint
        parts = f"{heatmap.etag} {width} {height} {city}"
        return hashlib.sha256(parts.encode()).hexdigest()[:32]

    async def draw(
        self,
        heatmap: Heatmap,
        width: int = WIDTH,
        height: int = HEIGHT,
        *,
        title: str | None = None,
    ) -> bytes:
        """Return a PNG of ``width`` times ``height`` pixels.

        Args:
            heatmap: what to draw.
            width: from ``LEAST`` to ``MOST``, as ``height``.
            height: in pixels.
            title: above the map; the city's by default.

        Raises:
            Unavailable: too many pictures are waiting to be drawn.
        """
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many pictures are being drawn; try again", retry_after_s=5)
        sheet = _sheet(heatmap, await self._core.catalog.get(), width, height, title)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(drawn, heatmap, sheet)
        finally:
            self._waiting -= 1


def _sheet(heatmap: Heatmap, catalog: Catalog, width: int, height: int, title: str | None) -> Sheet:
    box = heatmap.filters.get("bbox")
    zone = ZoneInfo(catalog.city.timezone)
    return Sheet(
        title=title or f"{catalog.city.title}: requests by area",
        note=_note(heatmap, zone),
        width=width,
        height=height,
        box=Box(*box) if box else None,
        fallback=Box(*catalog.city.bbox),
        zones=tuple(catalog.zones.polygons.values()),
    )


def _note(heatmap: Heatmap, zone: ZoneInfo) -> str:
    """Of when the figures are, in the city's time, and what they were filtered by."""
    at: datetime = heatmap.generated_at.astimezone(zone)
    names = ("category", "status", "priority", "zone_id")
    given = [", ".join(heatmap.filters[name]) for name in names if heatmap.filters.get(name)]
    days = [heatmap.filters[name] for name in ("from", "to") if name in heatmap.filters]
    return " · ".join([f"{at:%Y-%m-%d %H:%M %Z}", *given, *([" to ".join(days)] if days else [])])
