"""Mistakes that show only between the files of a city: references, coverage, contradictions.

Each check yields problem lines. Checks that conclude from something being absent run only on
complete sections: an item left out for a mistake of its own would look absent too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from itertools import combinations, product
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from cst_city.documents import Document, KeyPath
from cst_city.explain import unknown
from cst_city.models import AgentSeed, Category, CitySpec, GeoFence, Shift
from cst_city.policies import SlaPolicy
from cst_city.sections import Section
from cst_contracts.enums import PRIORITIES, UNKNOWN_ZONE
from cst_geo import Zone, to_polygon
from cst_rules import WILDCARD, select_policy

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
#: Before every date a policy may name: only policies in force at all times apply.
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def check_categories(categories: Section[Category], departments: Set[str] | None) -> Iterator[str]:
    """Departments exist (None: not known); a source type names one category only."""
    owners: dict[str, str] = {}
    for index, category in categories.items.items():
        if departments is not None and category.department not in departments:
            message = unknown("department", category.department, departments)
            yield categories.problem(index, ("department",), message)
        for position, name in enumerate(category.source_types):
            if name in owners:
                message = f"{name!r} already names category {owners[name]}"
                yield categories.problem(index, ("source_types", position), message)
            owners.setdefault(name, category.code)


def check_policies(
    policies: Section[SlaPolicy],
    categories: Set[str] | None,
    zone_ids: Set[str] | None,
    calendars: Set[str] | None,
) -> Iterator[str]:
    """Categories, zones, calendars exist (None: not known); no policy hides behind another."""
    for index, policy in policies.items.items():
        if categories is not None and policy.category not in {WILDCARD, *categories}:
            message = unknown("category", policy.category, [WILDCARD, *categories])
            yield policies.problem(index, ("category",), message)
        if zone_ids is not None and policy.zone not in {WILDCARD, *zone_ids}:
            message = unknown("zone", policy.zone, [WILDCARD, *zone_ids])
            yield policies.problem(index, ("zone",), message)
        if calendars is not None and policy.calendar not in calendars:
            message = unknown("calendar", policy.calendar, calendars)
            yield policies.problem(index, ("calendar",), message)
    for (_, first), (index, later) in combinations(policies.items.items(), 2):
        if _terms(first) == _terms(later) and _since(first) <= _since(later):
            message = f"never applies: {first.policy_id} is for the same and declared before it"
            yield policies.problem(index, (), message)


def _terms(policy: SlaPolicy) -> tuple[str, str, str]:
    return policy.category, policy.zone, policy.priority


def _since(policy: SlaPolicy) -> datetime:
    return policy.effective_from or _ALWAYS


def check_policy_coverage(
    policies: Section[SlaPolicy], categories: Section[Category]
) -> Iterator[str]:
    """Every category and priority has a policy in force at all times, in every zone."""
    declared = tuple(policies.items.values())
    # Zones that no policy names all fare like the unknown zone.
    zone_ids = {policy.zone for policy in declared} - {WILDCARD} | {UNKNOWN_ZONE}
    for index, category in categories.items.items():
        gaps = [
            f"{priority} in zone {zone_id}"
            for priority, zone_id in product(PRIORITIES, sorted(zone_ids))
            if select_policy(declared, category.code, zone_id, priority, _ALWAYS) is None
        ]
        if gaps:
            more = f" and {len(gaps) - 1} more" if len(gaps) > 1 else ""
            message = f"no SLA policy in force at all times for {gaps[0]}{more}"
            yield categories.problem(index, ("code",), message)


def check_agents(
    agents: Section[AgentSeed],
    departments: Set[str] | None,
    skills: Set[str] | None,
    zone_ids: Set[str] | None,
) -> Iterator[str]:
    """Departments, skills and zones exist (None: not known); nobody works two shifts at once."""
    for index, agent in agents.items.items():
        if departments is not None and agent.department not in departments:
            message = unknown("department", agent.department, departments)
            yield agents.problem(index, ("department",), message)
        for position, skill in enumerate(agent.skills):
            if skills is not None and skill not in skills:
                message = unknown("skill", skill, skills)
                yield agents.problem(index, ("skills", position), message)
        for position, zone_id in enumerate(agent.coverage.zone_ids):
            if zone_ids is not None and zone_id not in zone_ids:
                message = unknown("zone", zone_id, zone_ids)
                yield agents.problem(index, ("coverage", "zone_ids", position), message)
        for position, message in overlaps(agent.schedule.shifts):
            yield agents.problem(index, ("schedule", "shifts", position), message)


def check_fences(
    agents: Section[AgentSeed],
    spec: CitySpec,
    zones: Sequence[Zone],
    boundary: Mapping[str, Any] | None,
) -> Iterator[str]:
    """Fences lie in the city's bounding box and reach into its service area."""
    coverages = {index: agent.coverage for index, agent in agents.items.items()}
    fences = {index: area.geo_fence for index, area in coverages.items() if area.geo_fence}
    area = service_area([zone.geometry for zone in zones], boundary) if fences else []
    for index, fence in fences.items():
        for key, message in fence_faults(fence, spec.bbox, area):
            yield agents.problem(index, ("coverage", "geo_fence", *key), message)


def service_area(
    zones: Iterable[Mapping[str, Any]], boundary: Mapping[str, Any] | None
) -> list[BaseGeometry]:
    """Return the polygons of the service area: the boundary where there is one, else the zones."""
    return [to_polygon(geometry) for geometry in (zones if boundary is None else [boundary])]


def fence_faults(
    fence: GeoFence, bbox: tuple[float, float, float, float], area: Iterable[BaseGeometry]
) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with a fence's place: the key inside the fence, and a message.

    Args:
        fence: a valid polygon.
        bbox: of the city.
        area: the polygons of its ``service_area``.
    """
    box = shapely.box(*bbox)
    outside = [
        (("coordinates", number, position), point)
        for number, ring in enumerate(fence.coordinates)
        for position, point in enumerate(ring[:-1])
        if not shapely.intersects_xy(box, *point)
    ]
    if outside:
        key, point = outside[0]
        more = f", as {len(outside) - 1} more of its points do" if len(outside) > 1 else ""
        yield key, f"{list(point)} lies outside the city's bbox {list(bbox)}{more}"
        return
    polygon = shapely.Polygon(fence.coordinates[0], fence.coordinates[1:])
    if not any(shapely.intersects(polygon, part) for part in area):
        yield ("coordinates",), "lies wholly outside the city's service area"


def overlaps(shifts: tuple[Shift, ...]) -> Iterator[tuple[int, str]]:
    """Yield the position of each shift that overlaps an earlier one, with a message."""
    for (_, first), (position, second) in combinations(enumerate(shifts), 2):
        (start, length), (other, other_length) = _minutes(first), _minutes(second)
        # The week is a circle: a shift of Sunday night can run into Monday's.
        ahead, behind = (other - start) % _WEEK_MINUTES, (start - other) % _WEEK_MINUTES
        if ahead < length or behind < other_length:
            yield position, f"overlaps the shift {first.day} {first.start}-{first.end}"


def _minutes(shift: Shift) -> tuple[int, int]:
    """Start in minutes after Monday 00:00, and length in minutes."""
    start, end = _clock(shift.start), _clock(shift.end)
    return _DAYS.index(shift.day) * _DAY_MINUTES + start, (end - start) % _DAY_MINUTES


def _clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def check_staffing(
    categories: Section[Category], agents: Section[AgentSeed], departments: Set[str] | None
) -> Iterator[str]:
    """Every category has an active person with one of its skills, and its department a team."""
    active = [agent for agent in agents.items.values() if agent.active]
    manned = {skill for agent in active if agent.kind == "person" for skill in agent.skills}
    teams = {agent.department for agent in active if agent.kind == "team"}
    for index, category in categories.items.items():
        if manned.isdisjoint(category.skills):
            message = f"no active person has any of the skills {', '.join(category.skills)}"
            yield categories.problem(index, ("skills",), message)
        # An unknown department is reported as such, not for its missing team.
        if category.department in (departments or ()) and category.department not in teams:
            message = f"department {category.department} has no active team"
            yield categories.problem(index, ("department",), message)


def check_places(document: Document, spec: CitySpec, zones: tuple[Zone, ...]) -> Iterator[str]:
    """Zones and unknown points lie in the city's bounding box."""
    area = shapely.box(*spec.bbox)
    for zone in zones:
        polygon = to_polygon(zone.geometry)
        if not area.covers(polygon):
            bounds = [round(value, 4) for value in polygon.bounds]
            message = f"zone {zone.zone_id} lies outside it, its bounds are {bounds}"
            yield document.problem(("bbox",), message)
    for position, (lon, lat) in enumerate(spec.unknown_points):
        if not shapely.intersects_xy(area, lon, lat):
            yield document.problem(("unknown_points", position), f"[{lon}, {lat}] outside bbox")
