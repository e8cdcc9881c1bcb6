"""Heatmaps kept in ``geo_feeds`` while they are what the projections say.

A row knows the version of the projections it was made of. Any event moves that, so the next caller
computes anew; where the figures are the same, the row stays as it is but for its marks.

Anyone may ask for any viewport, so what a caller can make us write is bounded: large answers are
not kept, nor more than so many, and a row is written again only so often while events pour in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cst_core.clock import wall_now
from cst_geo_analytics.domain.heatmap import Heatmap, heatmap_of
from cst_geo_analytics.heatmap.repository import FeedRepository

#: How long a row is kept at most, in wall time.
KEPT = timedelta(minutes=10)
#: Rows of more hexagons (about 400 bytes each) are not kept, nor more rows than these.
MAX_HEXAGONS, MAX_ROWS = 8_000, 100
#: A row of so many hexagons is written again this long after it was written, a smaller one sooner.
REWRITTEN_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Kept:
    """A cached heatmap: made of a version of the projections, at the wall time ``saved_at``."""

    heatmap: Heatmap
    version: str
    expires_at: datetime
    saved_at: datetime

    def is_fresh(self, version: str | None) -> bool:
        """Tell whether it says what would be computed at ``version``."""
        return self.version == version and self.expires_at > wall_now()


class FeedCache:
    """Finds and keeps heatmaps."""

    def __init__(self, feeds: FeedRepository) -> None:
        self._feeds = feeds

    async def find(self, name: str) -> Kept | None:
        """Return the row of a feed, fresh or not."""
        row = await self._feeds.find(name)
        if row is None:
            return None
        return Kept(heatmap_of(row), row["version"], row["expires_at"], row["saved_at"])

    async def keep(
        self, heatmap: Heatmap, version: str, lasts: timedelta | None, known: Kept | None
    ) -> None:
        """Keep a heatmap in place of ``known``, for ``lasts`` of wall time, if it may be kept."""
        now = wall_now()
        if len(heatmap.hexagons) > MAX_HEXAGONS:
            return
        pause = REWRITTEN_AFTER * (len(heatmap.hexagons) / MAX_HEXAGONS)
        if known is not None and now - known.saved_at < pause:
            return
        if known is None and await self._feeds.cached(MAX_ROWS) >= MAX_ROWS:
            return
        expires_at = now + (KEPT if lasts is None else min(KEPT, lasts))
        marks = {"version": version, "expires_at": expires_at, "saved_at": now}
        if known is not None and known.heatmap.etag == heatmap.etag:
            await self._feeds.touch(heatmap.name, heatmap.etag, marks)
        else:
            await self._feeds.save(heatmap.feed() | marks)
