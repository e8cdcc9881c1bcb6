"""Parameters of the heatmap, its weights, and what a viewport reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import pytest
from geo_world import asked, fits
from hypothesis import given
from hypothesis import strategies as st

from cst_geo import Box
from cst_geo.cells import center
from cst_geo_analytics.domain.viewport import View, place_filter
from cst_geo_analytics.domain.weights import Sums, due_filter, lasts, risk_until, weigh

NOW = datetime(2026, 3, 3, 17, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, 8),
        ({"resolution": 10}, 10),
        ({"zoom": 0}, 5),
        ({"zoom": 8.99}, 5),
        ({"zoom": 9}, 6),
        ({"zoom": 11}, 7),
        ({"zoom": 12}, 8),
        ({"zoom": 14}, 9),
        ({"zoom": 22}, 10),
        ({"zoom": 22, "from": "2026-03-01"}, 8),
    ],
)
def test_the_resolution_of_an_answer(given: dict[str, Any], level: int) -> None:
    assert asked(**given).level == level


@given(st.floats(0, 22), st.floats(0, 22))
def test_a_closer_look_is_never_coarser(one: float, other: float) -> None:
    assert (asked(zoom=min(one, other)).level) <= asked(zoom=max(one, other)).level


@given(
    st.floats(-180, 180),
    st.floats(-89.9, 89.9),
    st.floats(0.001, 2),
    st.floats(0.001, 2),
    st.integers(5, 10),
)
def test_a_box_reads_every_leaf_of_the_cells_in_it(
    lon: float, lat: float, wide: float, high: float, level: int
) -> None:
    """Also across the antimeridian, near poles, and around pentagons."""
    east = lon + wide if lon + wide <= 180 else lon + wide - 360
    box = Box(lon, lat, east, min(90.0, lat + high))
    view, wanted = View(box), place_filter(box, level)
    corners = [(box.north, box.east), (box.south, box.west), (box.north, box.west)]
    near = {c for corner in corners for c in h3.grid_disk(h3.latlng_to_cell(*corner, level), 1)}
    for cell in filter(view.shows, near):
        rim = [h3.latlng_to_cell(*corner, 10) for corner in h3.cell_to_boundary(cell)]
        leaves = [h3.cell_to_center_child(child, 10) for child in h3.cell_to_children(cell, level)]
        for leaf in (*rim, *leaves, *h3.cell_to_children(cell, min(10, level + 2))):
            if h3.cell_to_parent(leaf, level) == cell:
                assert fits(dict(zip(("lon", "lat"), center(leaf), strict=True)), wanted)


@pytest.mark.parametrize("level", range(5, 11))
def test_a_box_around_a_pentagon_reads_all_its_leaves(level: int) -> None:
    for pentagon in h3.get_pentagons(level):
        lon, lat = center(pentagon)
        box = Box(lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6)
        assert View(box).shows(pentagon)
        wanted = place_filter(box, level)
        for child in h3.cell_to_children(pentagon, min(10, level + 3)):
            assert fits(dict(zip(("lon", "lat"), center(child), strict=True)), wanted)


def test_without_a_box_everything_that_has_a_place_is_read() -> None:
    assert fits({"cell": "8a2a1072b59ffff"}, place_filter(None, 8))
    assert not fits({"cell": "-"}, place_filter(None, 8))


@pytest.mark.parametrize(
    ("hours", "end"), [(1, datetime(2026, 3, 3, 19)), (24, datetime(2026, 3, 4, 18))]
)
def test_promises_are_at_risk_until_the_end_of_an_hour(hours: int, end: datetime) -> None:
    end = end.replace(tzinfo=UTC)
    assert risk_until(NOW, hours) == end
    wanted = due_filter(NOW, hours)
    assert fits({"hour": end - timedelta(hours=1)}, wanted)
    assert not fits({"hour": end}, wanted)


def test_how_long_weights_last() -> None:
    assert lasts("count", NOW) is None
    assert lasts("priority", NOW) is None
    assert lasts("priority_age", NOW) == timedelta(minutes=1)
    assert lasts("sla_risk", NOW) == timedelta(seconds=30)


def test_an_age_is_never_below_zero() -> None:
    """As of what an import says will be created."""
    assert weigh("priority_age", Sums(1, 8, 8 * int(NOW.timestamp()) + 99), NOW) == 0.0
