"""Which zone of a city a point lies in."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from cst_geo.points import metres_per_degree
from cst_geo.polygons import to_polygon

#: The lookup grid has this many rows and columns over the zones' bounding box.
GRID_SIZE = 128
_ORIGIN = shapely.Point(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Zone:
    """A named area of a city; ``geometry`` is a GeoJSON Polygon or MultiPolygon in degrees."""

    zone_id: str
    name: str
    geometry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ZoneHit:
    """The zone of a point; ``snapped`` when the point itself lies in no zone, only near one."""

    zone_id: str
    snapped: bool


class ZoneIndex:
    """Finds the zone of a point among a city's zones.

    The service area is ``boundary`` (a GeoJSON polygon) or, without one, the union of the zones.
    A point outside it by more than ``snap_m`` metres belongs to no zone.
    """

    def __init__(
        self,
        zones: Iterable[Zone],
        *,
        snap_m: float = 150.0,
        boundary: Mapping[str, Any] | None = None,
    ) -> None:
        """Index ``zones``; invalid polygons are repaired.

        Raises:
            ValueError: no zones, a zone_id twice, a geometry that is no polygon, or a negative
                or infinite ``snap_m``.
        """
        ordered = sorted(zones, key=lambda zone: zone.zone_id)
        self._ids = [zone.zone_id for zone in ordered]
        _check(self._ids, snap_m)
        self._snap_m = snap_m
        self._polygons: list[BaseGeometry] = [to_polygon(zone.geometry) for zone in ordered]
        self._boundary = None if boundary is None else to_polygon(boundary)
        shapely.prepare([*self._polygons, *([self._boundary] if self._boundary else [])])
        self._tree = shapely.STRtree(self._polygons)
        self._grid = _Grid(self._tree, shapely.total_bounds(self._polygons))

    @property
    def polygons(self) -> Mapping[str, BaseGeometry]:
        """The zones' outlines in degrees, repaired, by zone_id in its order."""
        return dict(zip(self._ids, self._polygons, strict=True))

    def locate(self, lon: float, lat: float) -> ZoneHit | None:
        """Return the zone at (lon, lat) in degrees, or None outside the service area.

        On a border shared by several zones the smallest zone_id wins. A point in no zone takes
        the nearest: within ``snap_m`` metres, or at any distance inside the boundary.
        """
        limit_m = self._snap_m
        if self._boundary is not None:
            if shapely.intersects_xy(self._boundary, lon, lat):
                limit_m = math.inf
            elif distance_m(self._boundary, lon, lat) > self._snap_m:
                return None
        for index in self._grid.candidates(lon, lat):
            if shapely.intersects_xy(self._polygons[index], lon, lat):
                return ZoneHit(self._ids[index], snapped=False)
        return self._nearest(lon, lat, limit_m)

    def _nearest(self, lon: float, lat: float, limit_m: float) -> ZoneHit | None:
        indices = range(len(self._ids)) if limit_m == math.inf else self._around(lon, lat, limit_m)
        distances = ((distance_m(self._polygons[i], lon, lat), self._ids[i]) for i in indices)
        best = min((pair for pair in distances if pair[0] <= limit_m), default=None)
        return None if best is None else ZoneHit(best[1], snapped=True)

    def _around(self, lon: float, lat: float, radius_m: float) -> list[int]:
        per_lon, per_lat = metres_per_degree(lat)
        dx, dy = radius_m / max(per_lon, 1.0), radius_m / per_lat
        found: list[int] = self._tree.query(
            shapely.box(lon - dx, lat - dy, lon + dx, lat + dy)
        ).tolist()
        return found


def distance_m(geometry: BaseGeometry, lon: float, lat: float) -> float:
    """Distance in metres from the point (degrees) to ``geometry``, 0 inside it.

    Uses the equirectangular metric at the point, so it is meant for distances of a few km.
    """
    scale = np.array(metres_per_degree(lat))
    local = shapely.transform(geometry, lambda coords: (coords - (lon, lat)) * scale)
    return float(shapely.distance(local, _ORIGIN))


def _check(zone_ids: list[str], snap_m: float) -> None:
    if not zone_ids:
        raise ValueError("a city needs at least one zone")
    twice = sorted({zone_id for zone_id in zone_ids if zone_ids.count(zone_id) > 1})
    if twice:
        raise ValueError(f"zone_id used twice: {', '.join(twice)}")
    if not 0 <= snap_m < math.inf:
        raise ValueError(f"snap_m must be a finite number of metres, 0 or more, got {snap_m}")


class _Grid:
    """For every square of a grid, the zones that touch it, in order of zone_id.

    Most squares touch one zone only, so a lookup tests one polygon. Asking the tree for every
    single point costs more than the test itself.
    """

    def __init__(self, tree: shapely.STRtree, bounds: np.ndarray[Any, Any]) -> None:
        self._west, self._south, self._east, self._north = map(float, bounds)
        self._dx = (self._east - self._west) / GRID_SIZE
        self._dy = (self._north - self._south) / GRID_SIZE
        columns, rows = np.meshgrid(np.arange(GRID_SIZE), np.arange(GRID_SIZE))
        west = self._west + columns.ravel() * self._dx
        south = self._south + rows.ravel() * self._dy
        # Squares overlap a little, so rounding cannot put a point beside the square it is in.
        margin_x, margin_y = self._dx / 1000, self._dy / 1000
        squares = shapely.box(
            west - margin_x,
            south - margin_y,
            west + self._dx + margin_x,
            south + self._dy + margin_y,
        )
        touching: defaultdict[int, list[int]] = defaultdict(list)
        for square, zone in tree.query(squares, predicate="intersects").T.tolist():
            touching[square].append(zone)
        self._touching = {square: sorted(found) for square, found in touching.items()}

    def candidates(self, lon: float, lat: float) -> list[int]:
        if not (self._west <= lon <= self._east and self._south <= lat <= self._north):
            return []
        column = min(int((lon - self._west) / self._dx), GRID_SIZE - 1)
        row = min(int((lat - self._south) / self._dy), GRID_SIZE - 1)
        return self._touching.get(row * GRID_SIZE + column, [])
