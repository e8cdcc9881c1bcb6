"""Which sums a viewport needs, and which cells it shows."""

from __future__ import annotations

from typing import Any

from cst_geo import Box
from cst_geo.cells import center, reach_degrees
from cst_geo_analytics.domain.projection import NOWHERE


def place_filter(box: Box | None, level: int) -> dict[str, Any]:
    """Return the MongoDB filter of the sums that cells of ``level`` in view are made of.

    That is more than lies in the box: a cell is in view with its centre, and then with all its
    leaves. What lies nowhere is in none.
    """
    if box is None:
        return {"cell": {"$ne": NOWHERE}}
    wide = box.grown(reach_degrees(level))
    lat = {"lat": {"$gte": wide.south, "$lte": wide.north}}
    spans = [{"lon": {"$gte": west, "$lte": east}} for west, east in wide.spans]
    return lat | (spans[0] if len(spans) == 1 else {"$or": spans})


class View:
    """Tells which cells a box shows: those whose centre lies in it, and all without a box."""

    def __init__(self, box: Box | None) -> None:
        self._box = box
        self._known: dict[str, bool] = {}

    def shows(self, cell: str) -> bool:
        """Tell whether ``cell`` is shown."""
        if self._box is None:
            return True
        known = self._known.get(cell)
        if known is None:
            known = self._known[cell] = self._box.holds(*center(cell))
        return known
