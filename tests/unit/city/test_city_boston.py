"""The real requests of 2015 against Boston's folder and its real polygons."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from pathlib import Path

import pytest

from cst_city import City, CityError, load_city

Row = dict[str, str]

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def rows(boston_data: Path) -> list[Row]:
    path = boston_data / "boston311_2015.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module", params=["boston_neighborhoods", "boston_neighborhoods_small"])
def city(cities: Path, boston_data: Path, request: pytest.FixtureRequest) -> City:
    return load_city(cities / "boston", boston_data / f"{request.param}.geojson")


def test_every_neighborhood_is_a_zone(city: City) -> None:
    assert len(city.zones) == 26


@pytest.mark.parametrize(
    ("neighborhood", "equal", "placed"),
    [("East Boston", 6660, 6660), ("Charlestown", 3332, 3334), ("South End", 5116, 5128)],
)
def test_zones_by_polygon_equal_the_citys_own_column(
    city: City, rows: list[Row], neighborhood: str, equal: int, placed: int
) -> None:
    index = city.zone_index()
    found: Counter[bool] = Counter()
    for row in rows:
        if row["neighborhood"] != neighborhood or not row["LATITUDE"]:
            continue
        point = float(row["LONGITUDE"]), float(row["LATITUDE"])
        if point not in city.spec.unknown_points:
            hit = index.locate(*point)
            found[hit is not None and hit.zone_id == neighborhood and not hit.snapped] += 1
    assert (found[True], found.total()) == (equal, placed)


def test_every_placed_request_is_in_the_service_area(city: City, rows: list[Row]) -> None:
    index = city.zone_index()
    points = {(float(r["LONGITUDE"]), float(r["LATITUDE"])) for r in rows if r["LATITUDE"]}
    outside = [point for point in points if index.locate(*point) is None]
    assert len(outside) / len(points) < 0.001


def test_every_type_names_one_category(city: City, rows: list[Row]) -> None:
    named = [name for category in city.categories for name in category.source_types]
    assert sorted(named) == sorted({row["TYPE"] for row in rows})
    assert len(city.categories) == len(named)


def test_every_department_has_a_team(city: City, rows: list[Row]) -> None:
    teams = {agent.department for agent in city.agents if agent.kind == "team"}
    assert teams == {row["Department"] for row in rows} - {"No Q"}


def test_the_zones_file_may_come_from_the_environment(
    cities: Path, boston_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = boston_data / "boston_neighborhoods_small.geojson"
    monkeypatch.setenv("CST_BOSTON_ZONES", str(path))
    folder = cities / "boston"
    assert load_city(folder).fingerprint == load_city(folder, path).fingerprint


def test_without_a_zones_file_the_variable_to_set_is_named(
    cities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CST_BOSTON_ZONES", raising=False)
    with pytest.raises(CityError) as caught:
        load_city(cities / "boston")
    [problem] = caught.value.problems
    assert "CST_BOSTON_ZONES" in problem
