"""GeoJSON polygons as valid shapely geometries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon, shape
from shapely.geometry.base import BaseGeometry


def to_polygon(geometry: Mapping[str, Any]) -> Polygon | MultiPolygon:
    """Read a GeoJSON Polygon or MultiPolygon (degrees), repaired where its rings are invalid.

    Raises:
        ValueError: it is of another type, cannot be read, has coordinates that are no place on
            Earth, or encloses no area. The message says which.
    """
    kind = geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"geometry must be a Polygon or MultiPolygon, got {kind!r}")
    try:
        raw = shapely.force_2d(shape(dict(geometry)))
    except (TypeError, ValueError, LookupError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"coordinates of the {kind} cannot be read: {error}") from error
    polygon = merge([raw])
    west, south, east, north = polygon.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ValueError(f"coordinates must be degrees [lon, lat], got bounds {polygon.bounds}")
    return polygon


def merge(geometries: Iterable[BaseGeometry]) -> Polygon | MultiPolygon:
    """Return the area that the ``geometries`` cover together, as one valid geometry.

    Raises:
        ValueError: they enclose no area.
    """
    areas = [area for geometry in geometries for area in _areas(geometry)]
    merged = areas[0] if len(areas) == 1 else shapely.union_all(areas)
    if not isinstance(merged, Polygon | MultiPolygon) or merged.is_empty:
        raise ValueError("the geometry encloses no area")
    return merged


def _areas(geometry: BaseGeometry) -> list[BaseGeometry]:
    if geometry.is_valid:
        return [geometry]
    # The repair may answer with a collection of lines and polygons, some of them multi-part.
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(geometry)))
    return [part for part in parts if isinstance(part, Polygon)]
