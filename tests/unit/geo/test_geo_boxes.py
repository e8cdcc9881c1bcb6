from __future__ import annotations

import math
from itertools import pairwise

import h3
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from cst_core.errors import InvalidInput
from cst_geo import Box, boundary_ring, haversine_m
from cst_geo.cells import center, reach_degrees
from cst_geo.params import parse_box
from cst_geo.points import EARTH_RADIUS_M

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    south, north = sorted((draw(latitudes), draw(latitudes)))
    west, east = draw(longitudes), draw(longitudes)
    assume(south < north and west != east)
    return Box(west, south, east, north)


def degrees_apart(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    return math.degrees(haversine_m(lon1, lat1, lon2, lat2) / EARTH_RADIUS_M)


@pytest.mark.parametrize(
    "text",
    ["-74,40.6,-73.9,40.8", "170,-20,-170,-10", "90,0,-90,1", "-180,-90,180,90", "179,0,180,1"],
)
def test_a_box_is_read(text: str) -> None:
    box = parse_box(text)
    assert [box.west, box.south, box.east, box.north] == [float(part) for part in text.split(",")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "-73.9,40.6,-74,40.8",
        "-74,40.8,-73.9,40.6",
        "-74,40.6,-74,40.8",
        "89,0,-90,1",
        "90,0,-89,1",
        "10,0,-10,1",
        "nan,0,1,1",
        "0,0,inf,1",
        "-181,0,1,1",
        "0,-91,1,1",
    ],
)
def test_what_is_no_box_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_box(text, "area")
    (error,) = refused.value.members["errors"]
    assert (error["field"], error["value"]) == ("area", text)


@given(boxes(), longitudes, latitudes)
def test_a_box_holds_what_its_spans_hold(box: Box, lon: float, lat: float) -> None:
    within = any(west <= lon <= east for west, east in box.spans)
    if box.holds(lon, lat):
        assert within
        assert box.south <= lat <= box.north
    elif within and box.south <= lat < box.north:
        assert lon == box.east


@given(st.lists(longitudes, min_size=2, max_size=6, unique=True), longitudes)
def test_of_boxes_side_by_side_one_holds_a_point(edges: list[float], lon: float) -> None:
    edges = sorted({-180.0, *edges, 180.0})
    row = [Box(west, -10, east, 10) for west, east in pairwise(edges)]
    assert sum(box.holds(lon, 0) for box in row) == 1


shares = st.floats(0, 1)


@given(boxes(), st.floats(0.0001, 5), shares, shares, longitudes, latitudes)
def test_a_grown_box_has_everything_near_it(
    box: Box, margin: float, across: float, up: float, other_lon: float, other_lat: float
) -> None:
    lon, lat = box.west + across * box.width, box.south + up * (box.north - box.south)
    lon = lon - 360 if lon > 180 else lon
    # A point near one of the box: halve the way until it is within the margin.
    for _ in range(60):
        if degrees_apart(lon, lat, other_lon, other_lat) < margin * 0.999:
            break
        other_lon, other_lat = (lon + other_lon) / 2, (lat + other_lat) / 2
    grown = box.grown(margin)
    assert any(west <= other_lon <= east for west, east in grown.spans)
    assert grown.south <= other_lat <= grown.north


@given(longitudes, st.floats(-89, 89), st.integers(5, 9))
def test_a_cells_leaves_lie_within_its_reach(lon: float, lat: float, res: int) -> None:
    cell = h3.latlng_to_cell(lat, lon, res)
    limit = reach_degrees(res)
    for leaf in (
        h3.cell_to_center_child(c, 10) for c in h3.cell_to_children(cell, min(res + 2, 9))
    ):
        assert degrees_apart(*center(cell), *center(leaf)) <= limit


@pytest.mark.parametrize("res", range(5, 10))
def test_the_leaves_of_pentagons_and_their_neighbours_lie_within_reach(res: int) -> None:
    limit = reach_degrees(res)
    around = {cell for pentagon in h3.get_pentagons(res) for cell in h3.grid_disk(pentagon, 1)}
    for cell in around:
        for child in h3.cell_to_children(cell, min(res + 3, 10)):
            assert degrees_apart(*center(cell), *center(child)) <= limit


@pytest.mark.parametrize("res", range(5, 11))
def test_pentagons_have_valid_outlines(res: int) -> None:
    for pentagon in h3.get_pentagons(res):
        polygon = Polygon(boundary_ring(pentagon))
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        assert len(polygon.exterior.coords) in (6, 11)  # five sides, of two parts each on odd ones


@pytest.mark.parametrize("res", range(11))
@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_a_cell_around_a_pole_is_a_cap(res: int, pole: float) -> None:
    polygon = Polygon(boundary_ring(h3.latlng_to_cell(pole, 0.0, res)))
    west, south, east, north = polygon.bounds
    assert polygon.is_valid
    assert polygon.exterior.is_ccw
    assert (west, east) == (-180.0, 180.0)
    assert pole in (south, north)
