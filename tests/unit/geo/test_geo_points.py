from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_geo import CoordinateError, haversine_m, metres_per_degree, validate_lon_lat

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


@given(longitudes, latitudes)
def test_places_on_earth_are_accepted(lon: float, lat: float) -> None:
    assert validate_lon_lat(lon, lat) == (lon, lat)


@pytest.mark.parametrize(
    ("lon", "lat", "message"),
    [
        (180.5, 0, "longitude must lie between -180 and 180, got 180.5"),
        (0, -90.1, "latitude must lie between -90 and 90, got -90.1"),
        (math.nan, 0, "longitude must lie between -180 and 180, got nan"),
        (0, math.inf, "latitude must lie between -90 and 90, got inf"),
        ("-74", 40, "longitude must be a number, got '-74'"),
        (True, 40, "longitude must be a number, got True"),
        (None, 40, "longitude must be a number, got None"),
        (10**400, 40, "longitude must lie between -180 and 180, got 1000"),
    ],
)
def test_everything_else_is_refused(lon: object, lat: object, message: str) -> None:
    with pytest.raises(CoordinateError, match=message):
        validate_lon_lat(lon, lat)


def test_known_distances() -> None:
    # Boston City Hall to New York City Hall, and half way round the Earth.
    assert haversine_m(-71.0587, 42.3604, -74.0060, 40.7127) == pytest.approx(306_000, rel=0.005)
    assert haversine_m(0, 0, 180, 0) == pytest.approx(math.pi * 6_371_008.8)
    assert haversine_m(-71, 42, -71, 42) == 0


@given(longitudes, latitudes, longitudes, latitudes)
def test_distance_is_symmetric_and_bounded(
    lon1: float, lat1: float, lon2: float, lat2: float
) -> None:
    distance = haversine_m(lon1, lat1, lon2, lat2)
    assert 0 <= distance <= math.pi * 6_371_008.8 + 1
    assert distance == pytest.approx(haversine_m(lon2, lat2, lon1, lat1), abs=1e-6)


@given(st.floats(-179, 179), st.floats(-70, 70), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_the_local_metric_is_the_great_circle_nearby(
    lon: float, lat: float, dlon: float, dlat: float
) -> None:
    per_lon, per_lat = metres_per_degree(lat)
    local = math.hypot(dlon * per_lon, dlat * per_lat)
    assert local == pytest.approx(haversine_m(lon, lat, lon + dlon, lat + dlat), rel=1e-3, abs=0.01)
