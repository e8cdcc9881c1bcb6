"""Pictures of heatmaps."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import h3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shapely.geometry import Point

from cst_geo import Box, boundary_ring
from cst_geo_analytics.domain.classes import classes_of, short
from cst_geo_analytics.domain.heatmap import Heatmap, Hexagon
from cst_geo_analytics.domain.plane import bounds_of, plane_of
from cst_geo_analytics.heatmap.drawing import Sheet, drawn

CITY = Box(-74.05, 40.65, -73.9, 40.8)
weights = st.lists(st.integers(1, 10**6) | st.floats(0, 10**6), min_size=1, max_size=60)


def heatmap(cells: list[str]) -> Heatmap:
    hexagons = tuple(Hexagon(cell, n, n) for n, cell in enumerate(sorted(cells), 1))
    now = datetime(2026, 3, 3, 17, tzinfo=UTC)
    return Heatmap("heatmap-x", now, {}, "count: number of requests", 8, hexagons).sealed()


def sheet(**changes: object) -> Sheet:
    values: dict[str, object] = {
        "title": "New York City: requests by area, with a title that is far too long for it",
        "note": "2026-03-03 12:00 EST",
        "width": 320,
        "height": 240,
        "box": None,
        "fallback": CITY,
        "zones": (Point(-73.98, 40.72).buffer(0.03),),
    }
    return Sheet(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [h3.latlng_to_cell(40.71, -74.0, 8)],
        list(h3.grid_disk(h3.latlng_to_cell(40.71, -74.0, 8), 5)),
        list(h3.grid_disk(h3.latlng_to_cell(-17.0, 180.0, 8), 3)),
        [h3.latlng_to_cell(90.0, 0.0, 5), *h3.get_pentagons(5)],
    ],
    ids=["none", "one", "many", "across the antimeridian", "all over the globe"],
)
def test_whatever_is_drawn_is_a_picture_of_the_size_and_always_the_same(cells: list[str]) -> None:
    picture = drawn(heatmap(cells), sheet())
    assert Image.open(io.BytesIO(picture)).size == (320, 240)
    assert drawn(heatmap(cells), sheet()) == picture
    assert drawn(heatmap(cells), sheet(title="Another")) != picture


def test_hexagons_are_where_they_belong() -> None:
    middle = h3.latlng_to_cell(40.72, -73.98, 7)
    picture = Image.open(io.BytesIO(drawn(heatmap([middle]), sheet(zones=())))).convert("RGB")
    # The only hexagon fills the middle of the map below the header, and not its edge.
    assert picture.getpixel((160, 150)) != picture.getpixel((316, 236))


@given(st.floats(-180, 180), st.floats(-80, 80), st.integers(0, 2))
def test_a_plane_shows_its_whole_box(lon: float, lat: float, steps: int) -> None:
    cells = h3.grid_disk(h3.latlng_to_cell(lat, lon, 7), steps)
    rings = [boundary_ring(cell) for cell in cells]
    box = bounds_of(rings)
    assert box is not None
    assert box.width < 180 or abs(lat) > 75
    plane = plane_of(box, 10, 20, 300, 200)
    for ring in rings:
        for x, y in plane.pixels(ring):
            assert 10 - 1e-3 <= x <= 310 + 1e-3
            assert 20 - 1e-3 <= y <= 220 + 1e-3


@given(weights, st.integers(1, 8))
def test_every_value_is_in_the_class_whose_bounds_hold_it(values: list[float], most: int) -> None:
    classes = classes_of(values, most)
    assert 1 <= len(classes.starts) <= most
    assert len(classes.labels()) == len(classes.starts)
    for value in values:
        number = classes.number(value)
        assert classes.starts[number] <= value <= classes.top
        assert number == len(classes.starts) - 1 or value < classes.starts[number + 1]


def test_labels_say_whole_numbers_as_such() -> None:
    assert classes_of([1], 6).labels() == ["1"]
    assert classes_of([1, 2, 3, 9], 3).labels() == ["1", "2", "3 to 9"]
    assert classes_of([1, 1.5, 4], 2).labels() == ["1 to under 1.5", "1.5 to 4"]
    assert [short(value) for value in (0.1234, 999, 12_345, 2_500_000)] == [
        "0.123",
        "999",
        "12.3k",
        "2.5M",
    ]


def test_no_values_have_no_classes() -> None:
    with pytest.raises(ValueError, match="no values"):
        classes_of([], 3)
