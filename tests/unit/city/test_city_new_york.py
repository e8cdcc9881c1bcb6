from __future__ import annotations

from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest

from cst_city import City, load_city
from cst_contracts.enums import PRIORITIES, UNKNOWN_ZONE
from cst_geo import ZoneHit
from cst_rules import choose_priority


@pytest.fixture(scope="module")
def city(cities: Path) -> City:
    return load_city(cities / "new-york")


def test_it_is_a_whole_city(city: City) -> None:
    codes = {category.code for category in city.categories}
    assert {"pothole", "water_leak", "missed_trash"} <= codes
    assert len(codes) >= 15
    assert len(city.zones) == 71
    assert sum(agent.kind == "person" for agent in city.agents) >= 60


@pytest.mark.parametrize(
    ("place", "lon", "lat", "hit"),
    [
        ("the specification's example", -74.0, 40.71, ZoneHit("MN03", snapped=False)),
        ("Central Park", -73.9654, 40.7829, ZoneHit("MN64", snapped=False)),
        ("JFK airport", -73.7781, 40.6413, ZoneHit("QN83", snapped=False)),
        ("Newark", -74.1724, 40.7357, None),
        ("Yonkers", -73.8988, 40.9312, None),
    ],
)
def test_places_are_in_their_zones(
    city: City, place: str, lon: float, lat: float, hit: ZoneHit | None
) -> None:
    assert city.zone_index().locate(lon, lat) == hit, place


def test_the_middle_of_the_brooklyn_bridge_belongs_to_the_city(city: City) -> None:
    hit = city.zone_index().locate(-73.9969, 40.7061)
    assert hit is not None
    assert hit.snapped


def test_every_category_has_someone_on_a_weekday_in_every_zone(city: City) -> None:
    weekday = {"mon", "tue", "wed", "thu", "fri"}
    skills_in_zone: defaultdict[str, set[str]] = defaultdict(set)
    for agent in city.agents:
        if agent.kind == "person" and weekday & {shift.day for shift in agent.schedule.shifts}:
            for zone_id in agent.coverage.zone_ids:
                skills_in_zone[zone_id].update(agent.skills)
    zone_ids = [UNKNOWN_ZONE, *(zone.zone_id for zone in city.zones)]
    idle = [
        (category.code, zone_id)
        for category, zone_id in product(city.categories, zone_ids)
        if skills_in_zone[zone_id].isdisjoint(category.skills)
    ]
    assert idle == []


def test_one_team_and_a_supervisor_for_every_department(city: City) -> None:
    teams = sorted(agent.department for agent in city.agents if agent.kind == "team")
    assert teams == sorted(city.spec.departments)
    supervised = {agent.department for agent in city.agents if "supervisor" in agent.roles}
    assert supervised == set(city.spec.departments)


def test_a_fallback_policy_for_every_priority(city: City) -> None:
    general = {p.priority for p in city.policies if (p.category, p.zone) == ("*", "*")}
    assert general == set(PRIORITIES)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Strong GAS  LEAK smell by the hydrant", 'danger word "gas leak" (en)'),
        ("Hay una fuga de gas en la esquina", 'danger word "fuga de gas" (es)'),
        ("这里有煤气泄漏请快来", 'danger word "煤气泄漏" (zh)'),
    ],
)
def test_danger_words_of_every_language_raise_to_p1(city: City, text: str, reason: str) -> None:
    pothole = next(category for category in city.categories if category.code == "pothole")
    spec = city.spec
    choice = choose_priority(
        pothole, text, danger_words=spec.danger_words, emergency_advice=spec.emergency_advice
    )
    assert (choice.priority, choice.reason) == ("P1", reason)
    assert choice.advice == spec.emergency_advice


def test_nothing_of_a_household_is_shown_exactly_or_merged_alone(city: City) -> None:
    household = {"missed_trash", "heat_hot_water", "home_repair", "rodent", "noise", "elevator"}
    for category in city.categories:
        if category.code in household:
            assert category.public != "exact"
            assert category.duplicates != "auto"
