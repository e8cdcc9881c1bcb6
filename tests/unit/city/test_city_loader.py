from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cst_city import CityError, load_city
from cst_geo import ZoneHit

Edit = Callable[[str, str, str], None]

# file, text to replace, its replacement, text on the line to be named, key path, what is said
MISTAKES = [
    # city.yaml
    ("city.yaml", "timezone: America/Chicago", "timezone: America/Springfield", "timezone",
     "timezone", "must be an IANA time zone such as America/New_York, got 'America/Springfield'"),
    ("city.yaml", "subdivision:", "subdivison:", "subdivison",
     "subdivison", "unknown key 'subdivison'; did you mean 'subdivision'? allowed: "),
    ("city.yaml", "  id_property", "  id_proprety", "id_proprety",
     "zones.id_proprety", "unknown key 'id_proprety'; did you mean 'id_property'?"),
    ("city.yaml", "  id_property: id\n", "", "zones:",
     "zones.id_property", "required key is missing"),
    ("city.yaml", "title: City of Springfield\n", "", "name:",
     "title", "required key is missing"),
    ("city.yaml", "[-90.0, 39.0, -89.0, 40.0]", "[-89.0, 39.0, -90.0, 40.0]", "bbox",
     "bbox", "must be [west, south, east, north] degrees, from low to high"),
    ("city.yaml", "[-90.0, 39.0, -89.0, 40.0]", "[-90.0, 39.0, -89.0, 39.8]", "bbox",
     "bbox", "zone north lies outside it, its bounds are [-89.8, 39.5, -89.2, 39.9]"),
    ("city.yaml", "[-89.5, 39.5]", "[39.5, -89.5]", "[39.5",
     "unknown_points[0]", "[39.5, -89.5] outside bbox"),
    ("city.yaml", "  es: [fuga", "  fr: [fuga", "danger_words",
     "danger_words", "languages must be among the city's, fr is not"),
    ("city.yaml", "  path: zones.geojson", "  path: zoness.geojson", "zones:",
     "zones", "cannot be read as GeoJSON"),
    ("city.yaml", "  path: zones.geojson", "  layer: borough", "zones:",
     "zones", "source geojson takes path and no other, got layer"),
    ("city.yaml", "  id_property: id", "  id_property: code", "zones:",
     "zones", "features[0]: property code must be text or a whole number, got None"),
    ("city.yaml", "country: US", "country: NO\ncountry: SE", "country: SE",
     "country", "key given twice, first on line 4"),
    ("city.yaml", '["13:00", "17:00"]', '["11:30", "17:00"]', "    weekly",
     "calendars.town_hall.weekly", "mon: the interval from 11:30 overlaps 08:00-12:00"),
    ("city.yaml", '["09:00", "24:00"]', '["09:00", "09:00"]', "    weekly",
     "calendars.town_hall.weekly", "sat: 09:00-09:00 does not end after it starts"),
    ("city.yaml", '["09:00", "24:00"]', '["9:00", "24:00"]', '"9:00"',
     "calendars.town_hall.weekly.sat[0][0]", "must be HH:MM, from 00:00 to 23:59, got '9:00'"),
    ("city.yaml", "      sat: ", "      saturday: ", "saturday",
     "calendars.town_hall.weekly.saturday", "must be 'mon', 'tue', 'wed'"),
    ("city.yaml", "2026-02-13", "2026-02-30", "2026-02-30",
     "calendars.town_hall.closures[0]", "got '2026-02-30'"),
    ("city.yaml", "2026-02-13", "2026-02-12", "works_on",
     "calendars.town_hall.works_on", "2026-02-12 is among the closures, too, got ["),
    ("city.yaml", "subdivision: IL", "subdivision: ZZ", "calendars",
     "calendars", "town_hall: "),
    ("city.yaml", "  town_hall:", "  civil-days:", "calendars",
     "calendars", "civil-days is there in every city, choose another name"),
    # categories.yaml
    ("categories.yaml", "duplicates: auto", "duplicates: merge", "merge",
     "categories[0].duplicates", "must be 'off', 'suggest' or 'auto', got 'merge'"),
    ("categories.yaml", "code: fallen_tree", "code: pothole", "- code: pothole\n    name: Fallen",
     "categories[1].code", "'pothole' is used twice, first on line 2"),
    ("categories.yaml", "department: PARKS", "department: PARK", "PARK\n",
     "categories[1].department", "unknown department 'PARK'; did you mean 'PARKS'? allowed:"),
    ("categories.yaml", "skills: [trees]", "skills: [tree_work]", "tree_work",
     "categories[1].skills", "no active person has any of the skills tree_work"),
    ("categories.yaml", "skills: [trees]", "skills: []", "skills: []",
     "categories[1].skills", "must have at least 1 item"),
    ("categories.yaml", "    public: area\n", "", "- code: fallen_tree",
     "categories[1].public", "required key is missing"),
    ("categories.yaml", "      P2: [bike", "      P3: [bike", "priority_words",
     "categories[0].priority_words", "words must raise above the default P3, P3 does not"),
    ("categories.yaml", "[Tree Down]", "[Tree Down, Street Condition]", "Tree Down",
     "categories[1].source_types[1]", "'Street Condition' already names category pothole"),
    ("categories.yaml", "radius_m: 20", "radius_m: twenty", "twenty",
     "categories[0].radius_m", "must be a valid number, got 'twenty'"),
    # sla_policies.yaml
    ("sla_policies.yaml", "zone: north", "zone: nort", "nort\n",
     "policies[0].zone", "unknown zone 'nort'; did you mean 'north'? allowed: *, UNKNOWN, north"),
    ("sla_policies.yaml", "category: pothole", "category: pot_hole", "pot_hole",
     "policies[0].category", "unknown category 'pot_hole'; did you mean 'pothole'?"),
    ("sla_policies.yaml", "target_hours: 72", "target_hours: 0", ": 0",
     "policies[1].target_hours", "must be greater than 0, got 0"),
    ("sla_policies.yaml", "target_hours: 24", "target_hours: true", "true",
     "policies[0].target_hours", "must be a valid number, got True"),
    ("sla_policies.yaml", "breach_threshold_hours: 48", "breach_threshold_hours: 12",
     "breach_threshold_hours",
     "policies[0].breach_threshold_hours", "must be at least target_hours, 24, got 12"),
    ("sla_policies.yaml", "breach_threshold_hours: 48", "warn_hours: 24", "warn_hours",
     "policies[0].warn_hours", "must be below target_hours, 24, got 24"),
    ("sla_policies.yaml", '"notify:dispatcher"', '"notify:mayor"', "notify:mayor",
     "policies[0].escalation_steps[0].action", "must be one of notify:on_call, notify:dispatcher"),
    ("sla_policies.yaml", "after_hours: 24", "after_hours: 6", "escalation_steps",
     "policies[0].escalation_steps", "must be in order of after_hours, 6 follows 12, got ["),
    ("sla_policies.yaml", "    target_hours: 72", "    target_hours: 72\n    calendar: lunar",
     "lunar", "policies[1].calendar",
     "unknown calendar 'lunar'; allowed: 24x7, civil-days, town_hall"),
    ("sla_policies.yaml", "    target_hours: 72", "    target_hours: 72\n    acknowledge_hours: 73",
     "acknowledge_hours", "policies[1].acknowledge_hours",
     "must be at most target_hours, 72, got 73"),
    ("sla_policies.yaml", "    target_hours: 72", "    target_hours: 72\n    repeat_hours: -1",
     "repeat_hours", "policies[1].repeat_hours", "must be greater than 0, got -1"),
    ("sla_policies.yaml", "after_hours: 24, action: reassign",
     'after_hours: 12, action: "notify:dispatcher"', "escalation_steps",
     "policies[0].escalation_steps", "notify:dispatcher after 12 hours is there twice, got ["),
    ("sla_policies.yaml", "    target_hours: 72",
     "    target_hours: 72\n    effective_from: 2026-01-01", "effective_from",
     "policies[1].effective_from", "timezone info, got '2026-01-01'"),
    ("sla_policies.yaml", "    target_hours: 72",
     "    target_hours: 72\n    effective_from: 2026-01-01T00:00:00-06:00", "no line",
     "categories[0].code", "no SLA policy in force at all times for P1 in zone UNKNOWN and 3 more"),
    ("sla_policies.yaml", "category: pothole\n    zone: north\n", 'category: "*"\n    zone: "*"\n',
     "- policy_id: fallback",
     "policies[1]", "never applies: pothole-north is for the same and declared before it"),
    # agents.yaml
    ("agents.yaml", 'start: "08:00"', 'start: "8:00"', '"8:00"',
     "agents[2].schedule.shifts[0].start", "must be HH:MM, from 00:00 to 23:59, got '8:00'"),
    ("agents.yaml", 'start: "08:00"', 'start: "24:00"', '"24:00"',
     "agents[2].schedule.shifts[0].start", "must be HH:MM, from 00:00 to 23:59, got '24:00'"),
    ("agents.yaml", 'start: "08:00"', 'start: "16:00"', '"16:00", end',
     "agents[2].schedule.shifts[0]", "start and end are the same time, 16:00"),
    ("agents.yaml", "{day: mon", "{day: monday", "monday",
     "agents[2].schedule.shifts[0].day", "must be 'mon', 'tue', 'wed',"),
    # Sunday night runs into Monday morning: the week is a circle.
    ("agents.yaml", 'end: "06:00"', 'end: "08:01"', '"08:01"',
     "agents[2].schedule.shifts[1]", "overlaps the shift mon 08:00-16:00"),
    ("agents.yaml", "zone_ids: [north, south]\n", "zone_ids: [north, sooth]\n", "sooth",
     "agents[2].coverage.zone_ids[1]", "unknown zone 'sooth'; did you mean 'south'?"),
    ("agents.yaml", "zone_ids: [north, south]\n", "zone_ids: []\n", "coverage:\n",
     "agents[2].coverage", "covers nothing: give zone_ids or a geo_fence"),
    ("agents.yaml", "skills: [roads, trees]", "skills: [roads, trees, skiing]", "skiing",
     "agents[2].skills[2]", "unknown skill 'skiing'; allowed: roads, trees"),
    ("agents.yaml", "Waylon Smith\n    department: DPW", "Waylon Smith\n    department: DWP", "DWP",
     "agents[2].department", "unknown department 'DWP'; did you mean 'DPW'? allowed: DPW, PARKS"),
    ("agents.yaml", "name: Parks desk", "name: Parks desk\n    active: false", "no line",
     "categories[1].department", "department PARKS has no active team"),
    ("agents.yaml", "agent_code: DPW-1", "agent_code: DPW-TEAM", "DPW-TEAM\n    name: W",
     "agents[2].agent_code", "'DPW-TEAM' is used twice, first on line 2"),
    ("agents.yaml", "    capacity: 5\n", "", "- agent_code: DPW-1",
     "agents[2]", "a person needs a capacity of 1 or more"),
    ("agents.yaml", "    capacity: 5\n", "    roles: [mechanic]\n    capacity: 5\n", "mechanic",
     "agents[2].roles[0]", "must be 'citizen', 'agent', 'dispatcher', "),
    ("agents.yaml", "agents:\n", "x-note: kept\nagent:\n", "agent:",
     "agent", "unknown key 'agent'; did you mean 'agents'?"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "marker", "key", "message"), MISTAKES)
def test_a_mistake_names_file_line_and_key(
    folder: Path, edit: Edit, file: str, old: str, new: str, marker: str, key: str, message: str
) -> None:
    edit(file, old, new)
    with pytest.raises(CityError) as caught:
        load_city(folder)
    place, said = next(
        line.split(f": {key}: ") for line in caught.value.problems if f": {key}: " in line
    )
    assert message in said
    text = (folder / file).read_text(encoding="utf-8")
    if marker in text:
        assert place == f"{folder / file}:{text[: text.index(marker)].count(chr(10)) + 1}"


def test_the_small_city_is_valid(folder: Path) -> None:
    city = load_city(folder)
    assert [zone.zone_id for zone in city.zones] == ["north", "south"]
    assert city.policies[1].breach_threshold_hours == 72
    assert city.zone_index().locate(-89.5, 39.7) == ZoneHit("north", snapped=False)


def test_all_mistakes_are_reported_at_once(folder: Path, edit: Edit) -> None:
    edit("city.yaml", "country: US", "country: usa")
    edit("categories.yaml", "duplicates: auto", "duplicates: merge")
    edit("sla_policies.yaml", "category: pothole", "category: swimming_pool")
    edit("sla_policies.yaml", "target_hours: 72", "target_hours: -1")
    edit("agents.yaml", 'start: "08:00"', 'start: "8 am"')
    edit("agents.yaml", "department: PARKS", "department: PARK")
    with pytest.raises(CityError) as caught:
        load_city(folder)
    keys = [problem.split(": ")[1] for problem in caught.value.problems]
    assert sorted(keys) == [
        "agents[1].department",
        "agents[2].schedule.shifts[0].start",
        "categories[0].duplicates",
        "country",
        "policies[0].category",
        "policies[1].target_hours",
    ]
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    assert not any("\n" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (None, 1, "file not found"),
        ("", 1, "must be a mapping at the top, got nothing"),
        ("# nothing but a comment\n", 1, "must be a mapping at the top, got nothing"),
        ("\n- a\n- b\n", 2, "must be a mapping at the top, got a list"),
        ("forty-two\n", 1, "must be a mapping at the top, got a single value"),
        ("agents:\n  - name: [a, b\n", 3, "not valid YAML: did not find expected ',' or ']'"),
        ("agents: !!python/name:os.system\n", 1, "not valid YAML: could not determine"),
        ("agents: &a [*a]\n", 1, "not valid YAML: an alias contains itself"),
    ],
)
def test_an_unreadable_file_gives_one_line(
    folder: Path, content: str | None, line: int, message: str
) -> None:
    path = folder / "agents.yaml"
    path.unlink()
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(CityError) as caught:
        load_city(folder)
    [problem] = caught.value.problems
    assert problem.startswith(f"{path}:{line}: (file): {message}")


def test_a_missing_folder_gives_one_line_for_each_file(tmp_path: Path) -> None:
    with pytest.raises(CityError) as caught:
        load_city(tmp_path / "nowhere")
    assert len(caught.value.problems) == 4


def test_the_fingerprint_follows_the_contents_not_the_layout(folder: Path, edit: Edit) -> None:
    before = load_city(folder).fingerprint
    edit("city.yaml", "name: springfield", "# A comment.\nname: springfield")
    assert load_city(folder).fingerprint == before
    edit("sla_policies.yaml", "target_hours: 72", "target_hours: 71")
    assert load_city(folder).fingerprint != before


def test_a_newer_policy_goes_before_the_one_it_replaces(folder: Path, edit: Edit) -> None:
    newer = """  - policy_id: fallback-2027
    category: "*"
    zone: "*"
    priority: "*"
    target_hours: 48
    effective_from: 2027-01-01T00:00:00-06:00
"""
    edit("sla_policies.yaml", "  - policy_id: fallback\n", f"{newer}  - policy_id: fallback\n")
    assert [policy.policy_id for policy in load_city(folder).policies][1:] == [
        "fallback-2027",
        "fallback",
    ]


def test_a_boundary_is_the_service_area(folder: Path) -> None:
    box = [[-89.9, 39.0], [-89.1, 39.0], [-89.1, 39.95], [-89.9, 39.95], [-89.9, 39.0]]
    text = f'{{"type": "Polygon", "coordinates": [{box}]}}'
    (folder / "boundary.geojson").write_text(text, encoding="utf-8")
    index = load_city(folder).zone_index()
    assert index.locate(-89.15, 39.7) == ZoneHit("north", snapped=True)
    assert index.locate(-89.05, 39.7) is None


def test_a_broken_boundary_is_named(folder: Path) -> None:
    (folder / "boundary.geojson").write_text('{"type": "Point"}', encoding="utf-8")
    with pytest.raises(CityError, match=r"boundary\.geojson:1: \(file\): geometry must be"):
        load_city(folder)


def test_a_zones_file_is_for_external_cities_only(folder: Path) -> None:
    with pytest.raises(CityError, match="a zones file is for source external only, not geojson"):
        load_city(folder, folder / "zones.geojson")


def test_features_of_one_zone_join_only_when_asked(folder: Path, edit: Edit) -> None:
    edit("zones.geojson", '"id": "south"', '"id": "north"')
    for _ in range(3):
        edit("agents.yaml", "north, south", "north")
    with pytest.raises(CityError, match="zone id 'north' used twice; dissolve: true would join"):
        load_city(folder)
    edit("city.yaml", "  path: zones.geojson", "  path: zones.geojson\n  dissolve: true")
    [zone] = load_city(folder).zones
    assert zone.geometry["type"] == "Polygon"
