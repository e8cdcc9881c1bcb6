from __future__ import annotations

import math

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from cst_geo import (
    CoordinateError,
    boundary_ring,
    haversine_m,
    leaf_cell,
    leaves_within,
    parent,
)
from cst_geo.points import EARTH_RADIUS_M

longitudes = st.floats(-180, 180)
latitudes = st.floats(-89, 89)


@given(longitudes, latitudes)
def test_the_ring_is_closed_counter_clockwise_and_holds_its_point(lon: float, lat: float) -> None:
    ring = boundary_ring(leaf_cell(lon, lat))
    assert ring[0] == ring[-1]
    polygon = Polygon(ring)
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    # A side of a cell is a great circle, and straight on the map: they differ by millimetres.
    assert min(polygon.distance(Point(lon + turn, lat)) for turn in (-360, 0, 360)) < 1e-6


@pytest.mark.parametrize("res", [0, 3, 7, 10])
@pytest.mark.parametrize("lon", [180.0, -180.0, 179.9999, -179.9999])
def test_a_cell_across_the_antimeridian_keeps_its_shape(lon: float, res: int) -> None:
    ring = boundary_ring(parent(leaf_cell(lon, -17.0), res))
    west, _, east, _ = Polygon(ring).bounds
    assert east - west < 40
    assert min(abs(west), abs(east)) > 140


@given(longitudes, latitudes, st.integers(0, 10))
def test_the_parent_is_the_ancestor_of_the_leaf(lon: float, lat: float, res: int) -> None:
    cell = leaf_cell(lon, lat)
    assert h3.get_resolution(parent(cell, res)) == res
    assert cell in h3.cell_to_children(parent(cell, res), 10) if res >= 7 else True


@pytest.mark.parametrize("res", [-1, 11, 16])
def test_a_parent_is_never_finer_than_its_cell(res: int) -> None:
    with pytest.raises(ValueError, match="resolution must lie between 0 and 10"):
        parent(leaf_cell(-74.0, 40.71), res)


@pytest.mark.parametrize("cell", ["", "ZONE-DT-01", "8a2a1072b59ffffffff"])
def test_what_is_no_cell_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="not an H3 cell"):
        boundary_ring(cell)
    with pytest.raises(ValueError, match="not an H3 cell"):
        parent(cell, 5)


def test_a_point_off_the_earth_has_no_cell() -> None:
    with pytest.raises(CoordinateError):
        leaf_cell(40.71, -274.0)


@given(
    st.floats(-179, 179),
    st.floats(-70, 70),
    st.sampled_from([15.0, 30.0, 60.0, 250.0, 1000.0]),
    st.floats(0, 2 * math.pi),
    st.floats(0, 1),
)
def test_leaves_within_miss_nothing(
    lon: float, lat: float, radius: float, bearing: float, share: float
) -> None:
    north = math.degrees(share * radius / EARTH_RADIUS_M * math.cos(bearing))
    east = math.degrees(share * radius / EARTH_RADIUS_M * math.sin(bearing))
    there = lon + east / math.cos(math.radians(lat)), lat + north
    cells = leaves_within(lon, lat, radius)
    if haversine_m(lon, lat, *there) <= radius:
        assert leaf_cell(*there) in cells
    assert leaf_cell(lon, lat) in cells
    # Few others: the circle and a ring of cells around it.
    assert len(cells) <= 7 + (radius + 160) ** 2 / 60**2
