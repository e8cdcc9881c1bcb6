"""How far and how long crews travel: many pairs of points at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cst_geo.points import EARTH_RADIUS_M

#: Longitude and latitude in WGS 84 degrees.
Point = tuple[float, float]
Floats = NDArray[np.float64]

#: Speed of a crew in a city as the crow flies: detours, traffic and parking are in it.
SPEED_KMH = 20.0
_NOWHERE = (np.nan, np.nan)


def distances_km(starts: Sequence[Point | None], ends: Sequence[Point | None]) -> Floats:
    """Return the great-circle distance of each start (row) to each end (column), in kilometres.

    What leads from or to an unknown point is NaN.
    """
    lon_a, lat_a = _radians(starts)[:, :, np.newaxis]
    lon_b, lat_b = _radians(ends)[:, np.newaxis, :]
    along = np.sin((lat_b - lat_a) / 2) ** 2
    across = np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    # Rounding can push the sum past 1 for antipodes, where arcsin would fail.
    half_angles: Floats = np.arcsin(np.sqrt(np.minimum(along + across, 1.0)))
    return half_angles * (2 * EARTH_RADIUS_M / 1000)


def travel_hours(starts: Sequence[Point | None], ends: Sequence[Point | None]) -> Floats:
    """Return hours of travel from each start (row) to each end (column).

    What is unknown takes the median of what is known, so that it neither draws work nor repels it.
    """
    hours = distances_km(starts, ends) / SPEED_KMH
    unknown = np.isnan(hours)
    if unknown.any():
        hours[unknown] = 0.0 if unknown.all() else np.median(hours[~unknown])
    return hours


def _radians(points: Sequence[Point | None]) -> Floats:
    """Return longitudes and latitudes in radians, one row each."""
    degrees = np.array([point or _NOWHERE for point in points], dtype=np.float64)
    return np.radians(degrees.reshape(len(points), 2).T)
