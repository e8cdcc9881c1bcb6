"""Boxes of degrees on the globe, also across the antimeridian."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: From here to a pole every margin is all the way round.
_POLAR_DEG = 89.0


@dataclass(frozen=True, slots=True)
class Box:
    """West, south, east and north in degrees; west lies above east across the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """Degrees of longitude from west to east."""
        across = self.east < self.west
        return self.east - self.west + (360.0 if across else 0.0)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """The longitudes from west to east as intervals from low to high."""
        if self.west <= self.east:
            return ((self.west, self.east),)
        return ((self.west, 180.0), (-180.0, self.east))

    def holds(self, lon: float, lat: float) -> bool:
        """Tell whether a point lies inside, or on the west or south side.

        So of boxes side by side exactly one holds it. A side at 180 or 90 degrees is inside, too.
        """
        below_east = lon < self.east or self.east == 180.0
        if self.west <= self.east:
            fits = self.west <= lon and below_east
        else:
            fits = self.west <= lon or below_east
        return fits and self.south <= lat and (lat < self.north or self.north == 90.0)

    def grown(self, margin: float) -> Box:
        """Return the box with everything within ``margin`` degrees of a great circle of it."""
        south, north = max(-90.0, self.south - margin), min(90.0, self.north + margin)
        farthest = max(abs(south), abs(north))
        wide = margin / math.cos(math.radians(farthest)) if farthest < _POLAR_DEG else 360.0
        if self.width + 2 * wide >= 360.0:
            return Box(-180.0, south, 180.0, north)
        return Box(_wrapped(self.west - wide), south, _wrapped(self.east + wide), north)


def _wrapped(lon: float) -> float:
    return lon + 360.0 if lon < -180.0 else lon - 360.0 if lon > 180.0 else lon
