"""The city's zones as a base map: outlines that are light to send, and where their names stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

#: About 15 m: a corner that cuts off less than the square of it is not sent.
TOLERANCE_DEG = 0.00015
#: About a metre.
DECIMALS = 5


def zone_features(
    polygons: Mapping[str, BaseGeometry], names: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return a GeoJSON feature per zone: ``zone_id``, ``name``, and a point well inside for it.

    Neighbours keep their common border, so no gaps appear between them.
    """
    kept = [shapely.set_precision(each, 10.0**-DECIMALS) for each in polygons.values()]
    lighter = shapely.coverage_simplify(np.array(kept), TOLERANCE_DEG)
    return [
        _feature(zone_id, names[zone_id], shape if shapely.is_valid(shape) else whole)
        for zone_id, shape, whole in zip(polygons, lighter, kept, strict=True)
    ]


def _feature(zone_id: str, name: str, shape: BaseGeometry) -> dict[str, Any]:
    # The largest part carries the name: a district's islands are no place for it.
    main = max(shapely.get_parts(shape), key=lambda part: float(part.area))
    inside = shapely.maximum_inscribed_circle(main, tolerance=0.001).coords[0]
    geometry = shapely.transform(shape, lambda points: np.round(points, DECIMALS))
    return {
        "type": "Feature",
        "id": zone_id,
        "geometry": shapely.geometry.mapping(geometry),
        "properties": {
            "zone_id": zone_id,
            "name": name,
            "lon": round(inside[0], DECIMALS),
            "lat": round(inside[1], DECIMALS),
        },
    }
