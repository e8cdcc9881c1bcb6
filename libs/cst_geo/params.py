"""Coordinates in query parameters: read and checked, refused with the parameter's name."""

from __future__ import annotations

from cst_core.errors import InvalidInput
from cst_geo.points import CoordinateError, validate_lon_lat


def _numbers(name: str, text: str, count: int) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count:
        raise InvalidInput.field(name, f"must be {count} numbers, separated by commas", text)
    return values


def _checked(name: str, text: str, lon: float, lat: float) -> tuple[float, float]:
    try:
        return validate_lon_lat(lon, lat)
    except CoordinateError as error:
        raise InvalidInput.field(name, str(error), text) from None


def parse_point(name: str, text: str) -> tuple[float, float]:
    """Read ``lon,lat`` in degrees; ``InvalidInput`` names the parameter."""
    lon, lat = _numbers(name, text, 2)
    return _checked(name, text, lon, lat)


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """Read ``west,south,east,north`` in degrees; ``InvalidInput`` where that is no box."""
    west, south, east, north = _numbers("bbox", text, 4)
    _checked("bbox", text, west, south)
    _checked("bbox", text, east, north)
    if west >= east or south >= north:
        raise InvalidInput.field("bbox", "west must be below east, south below north", text)
    return west, south, east, north
