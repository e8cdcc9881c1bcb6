from __future__ import annotations

import math
import time
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, mapping

from cst_geo import Zone, ZoneHit, ZoneIndex, distance_m, haversine_m, to_polygon

WEST, SOUTH = -74.0, 40.0
METRE_LAT = 1 / 111_195


def _square(
    zone_id: str, west: float, south: float, size: float = 0.1, height: float | None = None
) -> Zone:
    box = shapely.box(west, south, west + size, south + (height or size))
    return Zone(zone_id, zone_id.upper(), mapping(box))


TWO = [_square("b", WEST, SOUTH), _square("a", WEST + 0.1, SOUTH)]


def test_inside_outside_and_on_the_common_border() -> None:
    index = ZoneIndex(TWO)
    assert index.locate(WEST + 0.05, SOUTH + 0.05) == ZoneHit("b", snapped=False)
    assert index.locate(WEST + 0.15, SOUTH + 0.05) == ZoneHit("a", snapped=False)
    assert index.locate(WEST + 0.1, SOUTH + 0.05) == ZoneHit("a", snapped=False)
    assert index.locate(WEST + 0.1, SOUTH) == ZoneHit("a", snapped=False)
    assert index.locate(WEST - 1, SOUTH) is None


@pytest.mark.parametrize("lat", [0.0, 40.0, 65.0])
@pytest.mark.parametrize(("metres", "found"), [(1, True), (149, True), (151, False)])
def test_snapping_measures_metres_in_every_direction(lat: float, metres: int, found: bool) -> None:
    index = ZoneIndex([_square("z", 10.0, lat)], snap_m=150)
    metre_lon = METRE_LAT / math.cos(math.radians(lat))
    hit = ZoneHit("z", snapped=True) if found else None
    assert index.locate(10.0 - metres * metre_lon, lat + 0.001) == hit
    assert index.locate(10.05, lat - metres * METRE_LAT) == hit


def test_snapping_takes_the_nearest_and_the_smallest_id_of_equals() -> None:
    gap = [_square("b", 0.0, 0.0), _square("a", 0.102, 0.0)]
    index = ZoneIndex(gap)
    assert index.locate(0.1005, 0.05) == ZoneHit("b", snapped=True)
    assert index.locate(0.1015, 0.05) == ZoneHit("a", snapped=True)
    above = [_square("b", 0.0, 0.0, 0.1), _square("a", 0.0, 0.102, 0.1)]
    middle = ZoneIndex(above).locate(0.05, 0.101)
    assert middle is not None
    # Both are as near as rounding can tell, so either is right; the answer must not change.
    assert middle == ZoneIndex(above[::-1]).locate(0.05, 0.101)


def test_without_snapping_only_the_zones_count() -> None:
    index = ZoneIndex(TWO, snap_m=0)
    assert index.locate(WEST - 1e-6, SOUTH) is None
    assert index.locate(WEST, SOUTH) == ZoneHit("b", snapped=False)


def test_the_boundary_is_the_service_area() -> None:
    boundary = mapping(shapely.box(WEST, SOUTH, WEST + 0.15, SOUTH + 0.3))
    index = ZoneIndex(TWO, boundary=boundary)
    assert index.locate(WEST + 0.05, SOUTH + 0.29) == ZoneHit("b", snapped=True)
    assert index.locate(WEST + 0.19, SOUTH + 0.05) is None
    assert index.locate(WEST + 0.151, SOUTH + 0.05) == ZoneHit("a", snapped=False)


def test_a_bow_tie_is_repaired() -> None:
    ring = [[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    index = ZoneIndex([Zone("z", "Z", {"type": "Polygon", "coordinates": [ring]})])
    assert index.locate(0.9, 0.5) == ZoneHit("z", snapped=False)
    assert index.locate(0.5, 0.9) is None


def test_holes_are_outside() -> None:
    area = shapely.box(0, 0, 1, 1).difference(shapely.box(0.4, 0.4, 0.6, 0.6))
    index = ZoneIndex([Zone("ring", "Ring", mapping(area))])
    assert index.locate(0.5, 0.5) is None
    assert index.locate(0.4 + METRE_LAT, 0.5) == ZoneHit("ring", snapped=True)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "must be a Polygon or MultiPolygon"),
        ({"type": "Polygon", "coordinates": []}, "encloses no area"),
        ({"type": "Polygon"}, "cannot be read"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "cannot be read|no area"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1, 1], [0, 0]]]}, "be read"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [500, 0], [1, 1], [0, 0]]]}, "degrees"),
    ],
)
def test_what_is_no_polygon_is_refused(geometry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        to_polygon(geometry)


@pytest.mark.parametrize(
    ("zones", "snap_m", "message"),
    [
        ([], 150, "at least one zone"),
        ([TWO[0], TWO[0]], 150, "zone_id used twice: b"),
        (TWO, -1, "snap_m must be"),
        (TWO, math.inf, "snap_m must be"),
    ],
)
def test_an_index_needs_sound_input(zones: list[Zone], snap_m: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZoneIndex(zones, snap_m=snap_m)


corners = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 15), st.integers(1, 15))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(corners, min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(-40, 600), st.integers(-40, 600)), min_size=1, max_size=40),
)
def test_locate_agrees_with_testing_every_polygon(
    boxes: list[tuple[int, int, int, int]], points: list[tuple[int, int]]
) -> None:
    # Whole numbers on a common raster, so borders and corners are hit often.
    zones = [
        _square(f"z{number}", -74 + x / 100, 40 + y / 100, width / 100, height / 100)
        for number, (x, y, width, height) in enumerate(boxes)
    ]
    index = ZoneIndex(zones, snap_m=300)
    shapes = {zone.zone_id: to_polygon(zone.geometry) for zone in zones}
    for x, y in points:
        lon, lat = -74 + x / 1000, 40 + y / 1000
        hit = index.locate(lon, lat)
        inside = sorted(key for key, area in shapes.items() if area.intersects(Point(lon, lat)))
        if inside:
            assert hit == ZoneHit(inside[0], snapped=False)
            continue
        metres = {key: distance_m(area, lon, lat) for key, area in shapes.items()}
        near = min(metres.values())
        assert (hit is not None) == (near <= 300)
        if hit is not None:
            assert hit.snapped
            assert metres[hit.zone_id] == near


@given(st.floats(-73.9, -73.7), st.floats(40.0, 40.1))
def test_distance_to_a_polygon_is_the_distance_to_its_nearest_point(lon: float, lat: float) -> None:
    wall = shapely.box(-74.0, 39.0, -73.9, 41.0)
    expected = haversine_m(lon, lat, -73.9, lat)
    assert distance_m(wall, lon, lat) == pytest.approx(expected, rel=1e-3, abs=0.01)


def test_lookups_inside_are_fast() -> None:
    rings = [Point(x, y).buffer(0.5, quad_segs=256) for x in range(8) for y in range(8)]
    index = ZoneIndex(Zone(f"z{i:02}", "", mapping(ring)) for i, ring in enumerate(rings))
    points = [(x + dx / 10, y + dx / 20) for x in range(8) for y in range(8) for dx in range(4)]
    start = time.perf_counter()
    for _ in range(20):
        assert all(index.locate(lon, lat) for lon, lat in points)
    rate = 20 * len(points) / (time.perf_counter() - start)
    # It makes over 100,000/s on an idle machine; the bound only catches a loss of the index.
    assert rate > 10_000
