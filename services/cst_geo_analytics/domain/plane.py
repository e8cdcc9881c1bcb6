"""Degrees to pixels: a plane that shows a box of the globe without distorting its middle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from cst_geo import Box

Pixel = tuple[float, float]
#: What is shown around a single point, in degrees of latitude.
_LEAST_SPAN = 0.005


@dataclass(frozen=True, slots=True)
class Plane:
    """Equirectangular around a middle point: ``scale`` pixels for a degree of latitude."""

    middle: tuple[float, float]
    scale: float
    origin: Pixel

    def pixel(self, lon: float, lat: float) -> Pixel:
        """Return where a point in degrees lies, by the shorter way round the globe."""
        east = (lon - self.middle[0] + 540.0) % 360.0 - 180.0
        shrink = math.cos(math.radians(self.middle[1]))
        return (
            self.origin[0] + east * shrink * self.scale,
            self.origin[1] - (lat - self.middle[1]) * self.scale,
        )

    def pixels(self, ring: Iterable[Sequence[float]]) -> list[Pixel]:
        """Return where a ring's corners lie; it is kept whole across the map's far side."""
        found = [self.pixel(lon, lat) for lon, lat in ring]
        turn = 360.0 * math.cos(math.radians(self.middle[1])) * self.scale
        first = found[0][0]
        return [(x - turn * round((x - first) / turn) if turn else x, y) for x, y in found]


def plane_of(box: Box, left: float, top: float, width: float, height: float) -> Plane:
    """Return the plane that shows all of ``box`` in the middle of a rectangle of pixels."""
    lat = (box.south + box.north) / 2
    lon = box.west + box.width / 2
    shrink = max(math.cos(math.radians(lat)), 0.01)
    across = max(box.width * shrink, _LEAST_SPAN)
    up = max(box.north - box.south, _LEAST_SPAN)
    scale = min(width / across, height / up)
    return Plane((lon, lat), scale, (left + width / 2, top + height / 2))


def bounds_of(rings: Iterable[Sequence[Sequence[float]]]) -> Box | None:
    """Return the box of some rings, as short as it can be across the antimeridian or not."""
    lons, lats = list[float](), list[float]()
    for ring in rings:
        lons += [(lon + 540.0) % 360.0 - 180.0 for lon, _ in ring]
        lats += [lat for _, lat in ring]
    if not lons:
        return None
    lons = sorted(set(lons))
    gaps = [after - before for before, after in pairwise(lons)]
    widest = max(range(len(gaps)), key=gaps.__getitem__, default=None)
    around = lons[0] + 360.0 - lons[-1]
    if widest is None or gaps[widest] <= around:
        return Box(lons[0], min(lats), lons[-1], max(lats))
    return Box(lons[widest + 1], min(lats), lons[widest], max(lats))
