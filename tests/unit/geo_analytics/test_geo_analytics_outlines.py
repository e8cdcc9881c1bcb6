"""Zones as a base map: lighter, but without gaps, and with their names inside them."""

from __future__ import annotations

from typing import Any

import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from cst_geo_analytics.domain.outlines import TOLERANCE_DEG, zone_features

#: Steps of a common border, smaller than what is kept of it.
STEP = TOLERANCE_DEG / 2
JAGS = st.lists(st.floats(-STEP / 2, STEP / 2), min_size=40, max_size=80)


def neighbours(jags: list[float]) -> dict[str, shapely.Polygon]:
    """Return two zones side by side, with a jagged border between them."""
    border = [(-73.9 + jag, 40.7 + STEP * i) for i, jag in enumerate(jags)]
    top = border[-1][1]
    west = shapely.Polygon([(-74.0, 40.7), *border, (-74.0, top)])
    east = shapely.Polygon([(-73.8, 40.7), *border, (-73.8, top)])
    return {"EAST": east, "WEST": west}


def features(polygons: dict[str, Any]) -> list[dict[str, Any]]:
    return zone_features(polygons, {zone_id: f"{zone_id} Side" for zone_id in polygons})


@given(JAGS)
def test_a_jagged_border_becomes_simple_and_stays_common(jags: list[float]) -> None:
    zones = neighbours(jags)
    found = features(zones)
    east, west = (shape(feature["geometry"]) for feature in found)
    assert shapely.get_num_coordinates(east) < len(jags) / 2
    assert east.intersection(west).area == 0
    whole = shapely.unary_union(list(zones.values()))
    assert abs(east.union(west).area - whole.area) < 1e-2 * whole.area


@given(JAGS)
def test_each_name_stands_in_its_zone(jags: list[float]) -> None:
    for feature in features(neighbours(jags)):
        properties = feature["properties"]
        assert feature["id"] == properties["zone_id"]
        assert properties["name"] == f"{feature['id']} Side"
        assert shape(feature["geometry"]).contains(
            shapely.Point(properties["lon"], properties["lat"])
        )


def test_a_district_is_named_on_its_largest_part() -> None:
    island, mainland = shapely.box(-74.3, 40.7, -74.29, 40.71), shapely.box(-74, 40.7, -73.9, 40.8)
    (feature,) = features({"A": shapely.MultiPolygon([island, mainland])})
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["properties"]["lon"] > -74


def test_a_zone_smaller_than_what_is_kept_is_still_there() -> None:
    tiny = shapely.box(-74, 40.7, -73.99995, 40.70005)
    found = features({"BIG": shapely.box(-73.9, 40.7, -73.8, 40.8), "TINY": tiny})
    assert [feature["id"] for feature in found] == ["BIG", "TINY"]
    assert all(shape(feature["geometry"]).area > 0 for feature in found)
