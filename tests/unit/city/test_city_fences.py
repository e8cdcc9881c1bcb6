"""Fences of agents in a city's folder: each mistake is named with its file, line and key."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from cst_city import CityError, load_city

Edit = Callable[[str, str, str], None]
Ring = list[tuple[float, float]]

INSIDE: Ring = [(-89.6, 39.4), (-89.4, 39.4), (-89.4, 39.6), (-89.6, 39.6), (-89.6, 39.4)]
HOLE: Ring = [(-89.55, 39.45), (-89.45, 39.45), (-89.45, 39.55), (-89.55, 39.45)]
BOW: Ring = [(-89.6, 39.4), (-89.4, 39.6), (-89.4, 39.4), (-89.6, 39.6), (-89.6, 39.4)]
LINE: Ring = [(-89.6, 39.4), (-89.4, 39.4), (-89.5, 39.4), (-89.6, 39.4)]
POINT: Ring = [(-89.6, 39.4)] * 4
#: In the bounding box, and in no zone.
BESIDE: Ring = [(-89.1, 39.4), (-89.05, 39.4), (-89.05, 39.6), (-89.1, 39.4)]


def circle(points: int) -> Ring:
    angles = [2 * math.pi * step / (points - 1) for step in range(points - 1)]
    ring = [(-89.5 + math.cos(angle) / 10, 39.5 + math.sin(angle) / 10) for angle in angles]
    return [*ring, ring[0]]


@pytest.fixture
def fence(edit: Edit) -> Callable[..., None]:
    """Give the small city's person a fence of some rings, instead of zones."""

    def give(*rings: Ring) -> None:
        text = json.dumps({"geo_fence": {"type": "Polygon", "coordinates": rings}})
        edit("agents.yaml", "coverage:\n      zone_ids: [north, south]", f"coverage:\n      {text}")

    return give


@pytest.mark.parametrize(
    ("rings", "key", "message"),
    [
        ([INSIDE[:-1]], "", "each ring must end at the point it starts from"),
        ([INSIDE[:1] + INSIDE[-2:]], "[0]", "must have at least 4 items"),
        ([BOW], "", "is no simple polygon: crosses or touches itself at [-89.5, 39.5]"),
        ([LINE], "", "is no simple polygon: crosses or touches itself at ["),
        ([POINT], "", "is no simple polygon: too few points in geometry component at ["),
        ([INSIDE, BESIDE], "", "is no simple polygon: hole lies outside shell at [-89.1, 39.4]"),
        ([INSIDE, [*HOLE[:-1], (-89.5, 39.46)]], "",
         "each ring must end at the point it starts from"),
        ([circle(1001)], "", "must have at most 1000 points, has 1001"),
        ([circle(600), circle(600)], "", "must have at most 1000 points, has 1200"),
        ([[(-289.6, 39.4), *INSIDE[1:]]], "[0][0]", "longitude must lie between -180 and 180"),
        ([[INSIDE[0], (-88.9, 39.4), *INSIDE[2:]]], "[0][1]", "[-88.9, 39.4] lies outside"),
        ([[INSIDE[0], (-88.9, 39.4), (-88.9, 39.6), *INSIDE[3:]]], "[0][1]",
         "[-88.9, 39.4] lies outside the city's bbox [-90.0, 39.0, -89.0, 40.0], "
         "as 1 more of its points do"),
        ([[(lat, lon) for lon, lat in INSIDE]], "[0][0]", "[39.4, -89.6] lies outside"),
        ([BESIDE], "", "lies wholly outside the city's service area"),
        ([], "", "must have at least 1 item"),
    ],
)  # fmt: skip
def test_a_wrong_fence_is_named(
    folder: Path, fence: Callable[..., None], rings: list[Ring], key: str, message: str
) -> None:
    fence(*rings)
    with pytest.raises(CityError) as caught:
        load_city(folder)
    path = f"agents[2].coverage.geo_fence.coordinates{key}"
    [problem] = [line for line in caught.value.problems if f": {path}: " in line]
    place, said = problem.split(f": {path}: ")
    text = (folder / "agents.yaml").read_text(encoding="utf-8")
    assert place == f"{folder / 'agents.yaml'}:{text[: text.index('geo_fence')].count(chr(10)) + 1}"
    assert message in said


@pytest.mark.parametrize("rings", [[INSIDE], [INSIDE, HOLE], [circle(1000)], [INSIDE[::-1]]])
def test_a_good_fence_is_kept(folder: Path, fence: Callable[..., None], rings: list[Ring]) -> None:
    fence(*rings)
    kept = load_city(folder).agents[2].coverage.geo_fence
    assert kept is not None
    assert [list(ring) for ring in kept.coordinates] == rings


def test_where_there_is_a_boundary_the_fence_must_reach_into_it(
    folder: Path, fence: Callable[..., None]
) -> None:
    fence(INSIDE)
    box = [[-89.9, 39.7], [-89.1, 39.7], [-89.1, 39.95], [-89.9, 39.95], [-89.9, 39.7]]
    boundary = json.dumps({"type": "Polygon", "coordinates": [box]})
    (folder / "boundary.geojson").write_text(boundary, encoding="utf-8")
    with pytest.raises(CityError, match="lies wholly outside the city's service area"):
        load_city(folder)


def test_a_fence_is_not_judged_by_zones_that_cannot_be_read(
    folder: Path, fence: Callable[..., None], edit: Edit
) -> None:
    fence(INSIDE)
    edit("city.yaml", "  path: zones.geojson", "  path: zoness.geojson")
    with pytest.raises(CityError) as caught:
        load_city(folder)
    assert not [line for line in caught.value.problems if "geo_fence" in line]
