"""How a heatmap is made: which sums are read for it, and what becomes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import orjson

from cst_geo import parent
from cst_geo_analytics.domain import release
from cst_geo_analytics.domain.heatmap import CACHED, Heatmap, Hexagon, check_size
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.domain.viewport import View, place_filter
from cst_geo_analytics.domain.weights import Sums, due_filter, formula, lasts, risk_until, weigh

Source = Literal["cells", "days", "promises"]

_parent = lru_cache(100_000)(parent)


class Making:
    """A heatmap on its way: reads ``wanted`` of ``source``, and ``areas_wanted`` of the areas.

    Args:
        query: what is asked for, checked.
        staff: whether everything counts; else what the public may see.
        now: in the city's local time.
    """

    def __init__(self, query: HeatmapQuery, *, staff: bool, now: datetime) -> None:
        self._query, self._staff, self._now = query, staff, now
        self._view = View(query.box)
        self._cells: dict[str, Sums] = {}
        self._left_out_for = None if staff else release.left_out_for(query)

    @property
    def source(self) -> Source:
        """Which sums are read."""
        if self._query.weight == "sla_risk":
            return "promises"
        return "days" if self._query.has_days else "cells"

    @property
    def wanted(self) -> dict[str, Any]:
        """The MongoDB filter of these sums."""
        query = self._query
        wanted = query.wanted() | place_filter(query.box, query.level)
        # No document is of one status: each has its sums by status within.
        wanted.pop("status", None)
        if not self._staff:
            wanted["public"] = "exact"
        if self.source == "promises":
            return wanted | due_filter(self._now.astimezone(UTC), query.risk_hours)
        days = {"$gte": query.from_day, "$lte": query.to_day}
        bounds = {name: day for name, day in days.items() if day is not None}
        return wanted | ({"day": bounds} if bounds else {})

    @property
    def statuses(self) -> list[str] | None:
        """The statuses whose sums are read; None for all of them together."""
        chosen: dict[str, list[str]] = self._query.wanted().get("status", {})
        return chosen.get("$in")

    @property
    def areas_wanted(self) -> dict[str, Any] | None:
        """The MongoDB filter of ``geo_areas``; None where none are read."""
        if self._staff or self._left_out_for is not None:
            return None
        place = place_filter(self._query.box, self._query.level)
        return release.months_filter(self._query, self._now) | place

    def add(self, row: Mapping[str, Any]) -> None:
        """Add sums {_id: cell, n, w, wt} of ``source``.

        Raises:
            InvalidInput: there are more hexagons by now than any answer may hold.
        """
        cell = _parent(row["_id"], self._query.level)
        if not self._view.shows(cell):
            return
        sums = self._cells.get(cell)
        if sums is None:
            sums = self._cells[cell] = Sums()
            check_size(len(self._cells), self._query, "cells")
        sums.add(row["n"], row["w"], row["wt"])

    def add_areas(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add what may be released of all rows of ``geo_areas`` that were wanted."""
        for cell, count in release.released(rows, self._query.level, self._now).items():
            if self._view.shows(cell):
                self._cells.setdefault(cell, Sums()).add(count, 0, 0)

    def heatmap(self) -> Heatmap:
        """Return what was added, as a heatmap."""
        query, now = self._query, self._now.astimezone(UTC)
        hexagons = (
            Hexagon(cell, sums.n, weigh(query.weight, sums, now))
            for cell, sums in sorted(self._cells.items())
        )
        return Heatmap(
            name=feed_name(query, staff=self._staff),
            generated_at=now,
            filters=query.filters() | self._about_areas(),
            formula=formula(query.weight, risk_until(now, query.risk_hours)),
            level=query.level,
            hexagons=tuple(hexagons),
        ).sealed()

    def _about_areas(self) -> dict[str, str]:
        """Say whether reports are counted that are public as areas only, which, or why not."""
        if self._staff:
            return {"area": "included", "area_note": "staff see every report"}
        if self._left_out_for is not None:
            return {"area": "excluded", "area_note": self._left_out_for}
        return {"area": "included", "area_note": release.RULE}

    def lasts(self) -> timedelta | None:
        """Return how long the figures hold while nothing happens; None for no end."""
        ends = [lasts(self._query.weight, self._now.astimezone(UTC))]
        if self.areas_wanted is not None:
            ends.append(release.month_lasts(self._now))
        return min((end for end in ends if end is not None), default=None)


def feed_name(query: HeatmapQuery, *, staff: bool) -> str:
    """Return the name of a cached feed: equal for equal questions, never for staff and public."""
    plain = orjson.dumps(query.filters(), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(plain).hexdigest()[:32]
    return f"{CACHED}{'staff' if staff else 'public'}-{digest}"
