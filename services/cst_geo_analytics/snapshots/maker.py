"""A snapshot of a heatmap: made, and small enough to be stored."""

from __future__ import annotations

import asyncio
from typing import Any

import bson

from cst_core.errors import InvalidInput
from cst_geo_analytics.domain.heatmap import Heatmap
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.domain.snapshots import Audience
from cst_geo_analytics.heatmap.service import Heatmaps

#: A document may have 16 MiB, and a change stream's entry holds it with something around it.
MAX_BYTES = 12 * 1024 * 1024


class SnapshotMaker:
    """Makes what a snapshot shows."""

    def __init__(self, heatmaps: Heatmaps) -> None:
        self._heatmaps = heatmaps

    async def make(self, query: HeatmapQuery, audience: Audience) -> dict[str, Any]:
        """Return the fields of a document of ``geo_feeds``, but for its name.

        It is made of what its audience may see, whoever asks for it.

        Raises:
            InvalidInput: the query is wrong, or its map is too large to be stored.
        """
        heatmap = await self._heatmaps.taken(query, staff=audience == "staff")
        # In a thread, as a large map takes a while to be written out.
        made, size = await asyncio.to_thread(_written, heatmap)
        if size > MAX_BYTES:
            raise InvalidInput.field(
                "resolution",
                f"gives a map of {size:,} bytes, and a snapshot may have {MAX_BYTES:,}",
                query.level,
                ["a coarser resolution", "a smaller bbox", "more filters"],
            )
        return {**made, "audience": audience}


def _written(heatmap: Heatmap) -> tuple[dict[str, Any], int]:
    """Return the map as it is stored, and its size in bytes."""
    made = {key: value for key, value in heatmap.feed().items() if key != "feed_name"}
    return made, len(bson.encode(made))
