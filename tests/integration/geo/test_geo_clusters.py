"""Clusters over HTTP: one hot spot is found, and told what it is made of."""

from __future__ import annotations

import random
from typing import Any

import h3
import pytest
from geo_kit import Report, emptied, file_reports
from insight_kit import EAST, NORTH, SOUTH, WEST, answer, errors
from shapely.geometry import Point, shape

from cst_testkit.apps import Api
from cst_testkit.factories import CREATED_AT

CENTER = (-73.95, 40.665)
RESOLUTION = 9
HOT = h3.grid_disk(h3.cell_to_parent(h3.latlng_to_cell(CENTER[1], CENTER[0], 10), RESOLUTION), 1)


def spread(count: int, seed: int) -> list[Report]:
    """Reports all over the place."""
    rng = random.Random(seed)
    return [
        Report(point=(rng.uniform(WEST, EAST), rng.uniform(SOUTH, NORTH))) for _ in range(count)
    ]


def spot(public: str = "exact", **fields: Any) -> list[Report]:
    """Ten reports in each of seven cells."""
    places = [h3.cell_to_latlng(h3.cell_to_center_child(cell, 10)) for cell in HOT]
    return [Report(point=(lon, lat), public=public, **fields) for lat, lon in places] * 10


@pytest.fixture(scope="module", autouse=True)
async def _world(api: Api) -> None:
    await emptied(api.core)
    closed = spot(category="street_sign", resolved_at=CREATED_AT)
    await file_reports(
        api.core,
        [
            *spread(150, seed=1),
            *spot(),
            *spot("area", category="graffiti", priority="P1"),
            *closed,
            Report(point=None),
        ],
    )


@pytest.mark.parametrize("role", ["auditor", None])
async def test_the_hot_spot_is_one_cluster(api: Api, role: str | None) -> None:
    found = await answer(api, "clusters", *([role] if role else []), resolution=RESOLUTION)
    (first, *_) = found["features"]
    properties = first["properties"]
    assert properties["cells"] >= 7
    assert properties["count"] >= (140 if role else 70)
    assert properties["max_z"] >= found["rule"]["min_z"] == 1.96
    top = {row["category"]: row["count"] for row in properties["categories"]}
    assert top.get("graffiti", 0) == (70 if role else 0)
    assert top["pothole"] >= 70
    assert "street_sign" not in top
    outline = shape(first["geometry"])
    assert outline.is_valid
    assert outline.covers(Point(properties["center"]))
    for cell in HOT:
        lat, lon = h3.cell_to_latlng(cell)
        assert outline.covers(Point(lon, lat))
    weights = [f["properties"]["weight"] for f in found["features"]]
    assert weights == sorted(weights, reverse=True)


async def test_numbers_of_the_rule_are_the_maps(api: Api) -> None:
    found = await answer(api, "clusters", "auditor", resolution=RESOLUTION, min_z=1)
    heat = await answer(
        api,
        "geofeeds/heatmap",
        "auditor",
        resolution=RESOLUTION,
        status=200,
    )
    assert found["rule"]["hot"] == sum(f["properties"]["cells"] for f in found["features"])
    assert found["clusters"] == len(found["features"])
    assert found["rule"]["occupied"] <= len(heat["geojson"]["features"])
    strict = await answer(api, "clusters", "auditor", resolution=RESOLUTION, min_z=20)
    assert strict["features"] == []


async def test_statuses_weights_and_categories_are_those_asked_for(api: Api) -> None:
    closed = await answer(api, "clusters", "auditor", resolution=RESOLUTION, category="street_sign")
    assert closed["features"] == []
    found = await api.client.get(
        "/analytics/clusters",
        params={"resolution": RESOLUTION, "status": "closed"},
        headers=api.as_("auditor"),
    )
    (sole,) = found.json()["features"]
    assert sole["properties"]["categories"] == [{"category": "street_sign", "count": 70}]
    assert sole["properties"]["cells"] == 7
    heavy = await answer(api, "clusters", "auditor", weight="priority", category="graffiti")
    assert [f["properties"]["weight"] for f in heavy["features"]] == [70 * 8]
    assert [f["properties"]["count"] for f in heavy["features"]] == [70]


async def test_a_box_looks_at_its_cells_only(api: Api) -> None:
    west = f"{WEST},{SOUTH},-73.96,{NORTH}"
    found = await answer(api, "clusters", "auditor", resolution=RESOLUTION, bbox=west)
    centers = [f["properties"]["center"] for f in found["features"]]
    assert all(lon < -73.95 for lon, _ in centers)
    whole = await answer(api, "clusters", "auditor", resolution=RESOLUTION)
    assert found["rule"]["occupied"] < whole["rule"]["occupied"]
    far = await answer(api, "clusters", bbox="170,-20,-170,-10")
    assert (far["features"], far["rule"]["occupied"]) == ([], 0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"bbox": "-73,40,-74,41"}, "bbox"),
        ({"bbox": "-74,91,-73,92"}, "bbox"),
        ({"resolution": 16}, "resolution"),
        ({"resolution": 5}, "resolution"),
        ({"category": "dragons"}, "category"),
        ({"weight": "gold"}, "weight"),
        ({"min_z": "nan"}, "min_z"),
        ({"limit": 0}, "limit"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, query: dict[str, Any], field: str) -> None:
    (error,) = errors(await answer(api, "clusters", status=422, **query))
    assert error["field"].endswith(field)


async def test_too_many_cells_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cst_geo_analytics.insights.clusters.MAX_CELLS", 5)
    (error,) = errors(await answer(api, "clusters", "auditor", status=422, resolution=10))
    assert (error["field"], error["value"]) == ("resolution", 10)
    assert error["allowed"] == ["a coarser resolution", "a smaller bbox"]
