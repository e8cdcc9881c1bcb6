"""Points on the globe: WGS 84 degrees, always in the order (lon, lat)."""

from __future__ import annotations

import math

EARTH_RADIUS_M = 6_371_008.8


class CoordinateError(ValueError):
    """A coordinate that is no place on Earth; the message says which one and what is allowed."""


def _checked(name: str, value: object, limit: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CoordinateError(f"{name} must be a number, got {value!r}")
    # Written so that NaN fails it too.
    if not -limit <= value <= limit:
        raise CoordinateError(f"{name} must lie between -{limit:g} and {limit:g}, got {value}")
    return float(value)


def validate_lon_lat(lon: object, lat: object) -> tuple[float, float]:
    """Return ``(lon, lat)`` in degrees as floats.

    Raises:
        CoordinateError: either is not a number, or lies outside ±180 (lon) or ±90 (lat).
    """
    return _checked("longitude", lon, 180.0), _checked("latitude", lat, 90.0)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Length in metres of one degree of longitude and of latitude near latitude ``lat`` (degrees).

    Multiplying differences of degrees by these is the equirectangular metric: exact enough
    (better than 0.1 %) over the few kilometres of a neighbourhood, wrong across a continent.
    """
    per_lat = math.pi * EARTH_RADIUS_M / 180.0
    return per_lat * math.cos(math.radians(lat)), per_lat


def haversine_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Great-circle distance in metres between two points given in degrees."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half_dphi = (phi2 - phi1) / 2
    half_dlambda = math.radians(lon2 - lon1) / 2
    a = math.sin(half_dphi) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_dlambda) ** 2
    # Rounding can push `a` past 1 for antipodes, where asin would fail.
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, a)))
