"""Hot cells by the definition, clusters as parts of them, outlines that hold their cells."""

from __future__ import annotations

import math
from itertools import combinations

import h3
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from cst_geo.cells import boundary_ring, center
from cst_geo_analytics.domain.clusters import connected, gi_star, hull, middle, unwrapped

#: Lower Manhattan, Fiji across the antimeridian, and a pentagon in the sea.
PLACES = {"city": (40.71, -74.0), "antimeridian": (-16.8, 179.999), "pentagon": (50.10, -143.48)}
resolutions = st.integers(6, 10)


@st.composite
def patches(draw: st.DrawFn) -> set[str]:
    """Cells of one resolution, some of them beside each other."""
    lat, lon = PLACES[draw(st.sampled_from(sorted(PLACES)))]
    disk = sorted(h3.grid_disk(h3.latlng_to_cell(lat, lon, draw(resolutions)), 4))
    return draw(st.sets(st.sampled_from(disk), min_size=1, max_size=30))


def beside(one: str, other: str) -> bool:
    return other in h3.grid_disk(one, 1)


@given(patches())
def test_clusters_part_the_hot_cells(cells: set[str]) -> None:
    parts = list(connected(cells))
    assert sorted(cell for part in parts for cell in part) == sorted(cells)
    for one, other in combinations(parts, 2):
        assert not any(beside(a, b) for a in one for b in other)
    for part in parts:
        reached, left = {part[0]}, set(part[1:])
        while near := {cell for cell in left if any(beside(cell, known) for known in reached)}:
            reached |= near
            left -= near
        assert not left


@given(patches())
def test_an_outline_holds_its_cells_and_no_other(cells: set[str]) -> None:
    for part in connected(cells):
        outline = shape(hull(part))
        assert outline.is_valid
        about = center(min(part))[0]
        around = {near for cell in part for near in h3.grid_disk(cell, 1)}
        for cell in around:
            lon, lat = center(cell)
            assert outline.covers(Point(unwrapped(lon, about), lat)) == (cell in part)
        assert outline.bounds[2] - outline.bounds[0] < 10
        assert outline.area == pytest.approx(
            sum(shape({"type": "Polygon", "coordinates": [boundary_ring(c)]}).area for c in part),
            rel=1e-6,
        )


@given(patches(), st.data())
def test_the_middle_lies_among_the_cells(cells: set[str], data: st.DataObject) -> None:
    part = next(connected(cells))
    values = {cell: float(data.draw(st.integers(1, 50))) for cell in part}
    lon, lat = middle(values)
    assert -180 <= lon <= 180
    west, south, east, north = shape(hull(part)).bounds
    assert south <= lat <= north
    assert west <= unwrapped(lon, (west + east) / 2) <= east


@given(patches(), st.data())
def test_gi_star_is_getis_and_ords(cells: set[str], data: st.DataObject) -> None:
    values = {cell: float(data.draw(st.integers(1, 40))) for cell in sorted(cells)}
    heat = gi_star(values)
    universe = {near for cell in cells for near in h3.grid_disk(cell, 2)}
    x = [values.get(cell, 0.0) for cell in universe]
    n, mean = len(x), sum(x) / len(x)
    s = math.sqrt(sum((value - mean) ** 2 for value in x) / n)
    assert heat.cells == n
    assert heat.mean == pytest.approx(mean)
    assert heat.deviation == pytest.approx(s, abs=1e-6)
    assume(s > 1e-6)
    for cell, score in heat.scores.items():
        disk = h3.grid_disk(cell, 1)
        w = len(disk)
        above = sum(values.get(near, 0.0) for near in disk) - mean * w
        scale = s * math.sqrt((n * w - w * w) / (n - 1))
        assert score == pytest.approx(above / scale if scale else 0.0, abs=1e-6)


def test_a_hot_spot_among_even_ones_is_found() -> None:
    field = h3.grid_disk(h3.latlng_to_cell(40.71, -74.0, 9), 8)
    hot = set(h3.grid_disk(field[0], 1))
    heat = gi_star({cell: 30.0 if cell in hot else 2.0 for cell in field})
    found = {cell for cell, score in heat.scores.items() if score >= 1.96}
    assert hot <= found <= set(h3.grid_disk(field[0], 2))
    assert len(list(connected(found))) == 1


def test_of_nothing_nothing_is_hot() -> None:
    assert gi_star({}).scores == {}
    assert list(connected([])) == []


def test_an_outline_leaves_holes_out() -> None:
    cell = h3.latlng_to_cell(-16.8, 180.0, 8)
    ring = h3.grid_ring(cell, 1)
    outline = hull(ring)
    assert (outline["type"], len(outline["coordinates"])) == ("Polygon", 2)
    lon, lat = center(cell)
    assert not shape(outline).covers(Point(unwrapped(lon, center(min(ring))[0]), lat))
