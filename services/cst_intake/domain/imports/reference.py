"""The city as imported rows refer to it: names of categories, points, local times."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_city.models import Category
from cst_contracts.enums import PriorityName, PublicityName
from cst_drafts import stand_in, unlocated
from cst_geo import leaf_cell
from cst_rules import choose_priority

#: Points whose zone and cell are remembered: addresses come again and again.
_KNOWN_POINTS = 100_000
#: Wrong names likewise: a file of another city has the same ones over and over.
_KNOWN_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What an imported request takes from its category."""

    code: str
    priority: PriorityName
    public: PublicityName


def _kind(category: Category) -> Kind:
    # Danger words call for help, and what is past needs none: priority is by category alone.
    choice = choose_priority(category, "", danger_words={})
    return Kind(category.code, choice.priority, category.public)


class Reference:
    """Looks up what rows name; one for a whole import."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._unknown_points = frozenset(catalog.city.unknown_points)
        self._nowhere = unlocated(stand_in(catalog.city))
        self._kinds: dict[str, Kind] = {}
        for category in catalog.categories.values():
            for name in (*category.source_types, category.code):
                self._kinds[name] = _kind(category)
        self._located = lru_cache(maxsize=_KNOWN_POINTS)(self._locate)
        self._closest = lru_cache(maxsize=_KNOWN_NAMES)(self._find_closest)
        self.timezone = ZoneInfo(catalog.city.timezone)
        self.city = catalog.city

    def kind(self, name: str) -> Kind | None:
        """Return the category of that code, or that has the name among its ``source_types``."""
        return self._kinds.get(name)

    def closest_name(self, name: str) -> str | None:
        """Return the name of a category that ``name`` may have been meant to be."""
        return self._closest(name)

    def _find_closest(self, name: str) -> str | None:
        close = difflib.get_close_matches(name, self._kinds, n=1, cutoff=0.8)
        return close[0] if close else None

    def location(self, point: tuple[float, float] | None) -> dict[str, Any] | None:
        """Return a request's ``location``, None outside the service area.

        Without a point, or on one that stands for "unknown", the place is not known. Answers are
        shared between requests: copy before changing one.
        """
        if point is None:
            return self._nowhere
        if point in self._unknown_points:
            return unlocated(point)
        return self._located(point)

    def _locate(self, point: tuple[float, float]) -> dict[str, Any] | None:
        hit = self._catalog.zones.locate(*point)
        if hit is None:
            return None
        return {
            "type": "Point",
            "coordinates": list(point),
            "zone_id": hit.zone_id,
            "h3": leaf_cell(*point),
            "located": True,
            "snapped": hit.snapped,
        }
