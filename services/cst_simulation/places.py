"""Where a city reports: around hot spots, and scattered between them; never outside its zones."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import shapely
from shapely.geometry.base import BaseGeometry

from cst_geo import Zone, ZoneIndex, metres_per_degree, to_polygon

HOT_SPOTS = 24
#: Share of the reports that come from a hot spot.
HOT_SHARE = 0.7
SIGMA_M = (120.0, 600.0)
#: A draw that missed the city so often is replaced by a point inside a zone.
_ATTEMPTS = 20
#: About a decimetre.
_DIGITS = 6

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class HotSpot:
    """A cluster of reports: its centre (lon, lat) and spread in metres."""

    center: Point
    sigma_m: float


class Places:
    """Draws points of a city. The hot spots follow from the seed; each category has its own."""

    def __init__(self, zones: Iterable[Zone], index: ZoneIndex, seed: int) -> None:
        self._index = index
        self._seed = seed
        # Every zone is as likely as another, so that small, crowded ones report more per km².
        self._polygons: Mapping[str, BaseGeometry] = {
            zone.zone_id: to_polygon(zone.geometry) for zone in zones
        }
        self._zone_ids = sorted(self._polygons)
        rng = random.Random(f"{seed}:places")
        self.hot_spots = tuple(
            HotSpot(self._anywhere(rng), rng.uniform(*SIGMA_M)) for _ in range(HOT_SPOTS)
        )
        self._weights: dict[str, list[float]] = {}

    def draw(self, category: str, rng: random.Random) -> Point:
        """Return the place of a report of ``category``."""
        if rng.random() >= HOT_SHARE:
            return self._anywhere(rng)
        spot = rng.choices(self.hot_spots, cum_weights=self._shares(category))[0]
        return self.near(spot.center, spot.sigma_m, rng)

    def near(self, center: Point, sigma_m: float, rng: random.Random) -> Point:
        """Return a point around ``center``, inside the city."""
        per_lon, per_lat = metres_per_degree(center[1])
        for _ in range(_ATTEMPTS):
            lon = center[0] + rng.gauss(0, sigma_m) / per_lon
            lat = center[1] + rng.gauss(0, sigma_m) / per_lat
            point = round(lon, _DIGITS), round(lat, _DIGITS)
            if self._contains(point):
                return point
        return center

    def _anywhere(self, rng: random.Random) -> Point:
        while True:
            polygon = self._polygons[rng.choice(self._zone_ids)]
            west, south, east, north = polygon.bounds
            lon, lat = rng.uniform(west, east), rng.uniform(south, north)
            point = round(lon, _DIGITS), round(lat, _DIGITS)
            if shapely.intersects_xy(polygon, *point) and self._contains(point):
                return point

    def _contains(self, point: Point) -> bool:
        hit = self._index.locate(*point)
        return hit is not None and not hit.snapped

    def _shares(self, category: str) -> list[float]:
        """Cumulative weights of the hot spots: a few carry most, others for every category."""
        if category not in self._weights:
            weights = [1 / rank for rank in range(1, HOT_SPOTS + 1)]
            random.Random(f"{self._seed}:{category}").shuffle(weights)
            self._weights[category] = list(accumulate(weights))
        return self._weights[category]
