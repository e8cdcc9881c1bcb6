"""Coordinates in query parameters: read and checked, refused with the parameter's name."""

from __future__ import annotations

from cst_core.errors import InvalidInput
from cst_geo.boxes import Box
from cst_geo.points import CoordinateError, validate_lon_lat

#: A box across the antimeridian begins at least this far east and ends as far west. Any other whose
#: west lies above its east is taken for a slip, not for a box around most of the globe.
ACROSS_FROM = 90.0


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


def parse_box(text: str, name: str = "bbox") -> Box:
    """Read ``west,south,east,north`` in degrees; west above east is across the antimeridian.

    Raises:
        InvalidInput: it is no such box; names the parameter ``name``, and what is allowed.
    """
    west, south, east, north = _numbers(name, text, 4)
    _checked(name, text, west, south)
    _checked(name, text, east, north)
    across = west >= ACROSS_FROM and east <= -ACROSS_FROM
    if south >= north or not (west < east or across):
        raise InvalidInput.field(
            name,
            "west must be below east, south below north",
            text,
            [
                "west,south,east,north in degrees",
                "across the antimeridian: west from 90 on, east up to -90",
            ],
        )
    return Box(west, south, east, north)
