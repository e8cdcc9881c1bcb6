"""The ``location`` of a request: a point in the city, or a place that nobody knows."""

from __future__ import annotations

from typing import Any

from cst_city.catalog import Catalog
from cst_city.models import CitySpec
from cst_contracts.enums import UNKNOWN_ZONE
from cst_core.errors import InvalidInput
from cst_geo import leaf_cell


def stand_in(city: CitySpec) -> tuple[float, float]:
    """Return the point of a place that nobody knows, since a document needs some point.

    It is the city's own point for "unknown", else the middle of the city.
    """
    if city.unknown_points:
        return city.unknown_points[0]
    west, south, east, north = city.bbox
    return (west + east) / 2, (south + north) / 2


def unlocated(point: tuple[float, float]) -> dict[str, Any]:
    """Return a ``location`` whose place is not known: no zone, no cell, kept off every map."""
    return {
        "type": "Point",
        "coordinates": list(point),
        "zone_id": UNKNOWN_ZONE,
        "h3": None,
        "located": False,
        "snapped": False,
    }


def located(lon: float, lat: float, catalog: Catalog) -> dict[str, Any]:
    """Return the ``location`` of a point; one that stands for "unknown" is not located.

    Raises:
        InvalidInput: the point is outside the service area.
    """
    if (lon, lat) in catalog.city.unknown_points:
        return unlocated((lon, lat))
    hit = catalog.zones.locate(lon, lat)
    if hit is None:
        raise InvalidInput.field(
            "location.coordinates",
            f"is outside the service area of {catalog.city.title}",
            [lon, lat],
            [f"longitude, latitude within {list(catalog.city.bbox)}"],
        )
    return {
        "type": "Point",
        "coordinates": [lon, lat],
        "zone_id": hit.zone_id,
        "h3": leaf_cell(lon, lat),
        "located": True,
        "snapped": hit.snapped,
    }
