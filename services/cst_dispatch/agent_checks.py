"""What an agent may be: the rules of a city's file, with every mistake named at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from cst_city.catalog import Catalog
from cst_city.checks import fence_faults, overlaps
from cst_city.models import AgentSeed, GeoFence, Shift
from cst_contracts.agents import ChangeAgent
from cst_contracts.enums import UNKNOWN_ZONE
from cst_core.errors import InvalidInput
from cst_ledger.events import Document

Problem = dict[str, Any]
#: What an agent is from its first day to its last.
FIXED = ("agent_code", "kind")


def changes(
    agent: Document, command: ChangeAgent, catalog: Catalog, area: Sequence[BaseGeometry]
) -> dict[str, Any]:
    """Return the fields of an agent that a command changes, with their new values.

    Args:
        agent: as stored.
        command: from a caller.
        catalog: the city.
        area: the polygons of its service area.

    Raises:
        InvalidInput: names every field of the agent as it would be that is wrong. Somebody who
            only leaves may do so whatever has become of the zones and skills that they had.
    """
    sent = {name: value for name, value in command if name in command.model_fields_set}
    if sent == {"active": False}:
        return sent if agent["active"] else {}
    stored = {name: agent[name] for name in AgentSeed.model_fields if name in agent}
    wanted = command.model_dump(include=set(sent) - set(FIXED))
    seed = checked(stored | wanted, catalog, area, _moved(agent, sent)).model_dump(mode="json")
    return {name: seed[name] for name in wanted if seed[name] != agent.get(name)}


def checked(
    values: Mapping[str, Any],
    catalog: Catalog,
    area: Sequence[BaseGeometry],
    problems: Sequence[Problem] = (),
) -> AgentSeed:
    """Return an agent that is valid in the city.

    Args:
        values: the fields of an ``AgentSeed``.
        catalog: the city.
        area: the polygons of its service area.
        problems: found before.

    Raises:
        InvalidInput: names every field that is wrong (unknown zone, skill or department, bad
            time zone, overlapping shifts, a fence outside the city, …).
    """
    found = [*problems, *_unknown(values, catalog), *_overlaps(values)]
    found += _out_of_place(values, catalog, area)
    try:
        seed = AgentSeed.model_validate(values)
    except ValidationError as error:
        raise refusal([*_read_problems(error), *found]) from None
    if found:
        raise refusal(found)
    return seed


def problem(
    field: str, message: str, value: Any, allowed: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return a field's entry in the errors of a refusal."""
    shown = value if isinstance(value, str | int | float | None) else repr(value)[:200]
    entry = {"field": field or "body", "message": message, "value": shown}
    return entry | ({"allowed": list(allowed)} if allowed else {})


def refusal(problems: Sequence[Problem]) -> InvalidInput:
    """Return the error that names all of ``problems``."""
    return InvalidInput("; ".join(f"{p['field']}: {p['message']}" for p in problems), problems)


def fence_of(values: Mapping[str, Any]) -> GeoFence | None:
    """Return the fence among an agent's fields, or None where there is no valid one."""
    given = (values.get("coverage") or {}).get("geo_fence")
    try:
        return None if given is None else GeoFence.model_validate(given)
    except ValidationError:
        return None


def _read_problems(error: ValidationError) -> list[Problem]:
    return [
        problem(".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, "), e["input"])
        for e in error.errors(include_url=False, include_context=False)
    ]


def _moved(agent: Document, sent: Mapping[str, Any]) -> list[Problem]:
    return [
        problem(name, "cannot be changed", sent[name], [agent[name]])
        for name in FIXED
        if name in sent and sent[name] != agent[name]
    ]


def _unknown(values: Mapping[str, Any], catalog: Catalog) -> Iterator[Problem]:
    skills = sorted({skill for c in catalog.categories.values() for skill in c.skills})
    zones = [*catalog.zone_names, UNKNOWN_ZONE]
    departments = list(catalog.city.departments)
    given = [
        *(("coverage.zone_ids", zone, zones) for zone in _zone_ids(values)),
        *(("skills", skill, skills) for skill in values["skills"] or ()),
        ("department", values["department"], departments),
    ]
    for field, value, allowed in given:
        # A null is named by the reading of the fields.
        if value is not None and value not in allowed:
            yield problem(field, "is not known in this city", value, allowed)


def _zone_ids(values: Mapping[str, Any]) -> Sequence[str]:
    zone_ids: Sequence[str] = (values["coverage"] or {}).get("zone_ids") or ()
    return zone_ids


def _overlaps(values: Mapping[str, Any]) -> Iterator[Problem]:
    listed = (values["schedule"] or {}).get("shifts") or ()
    shifts = tuple(Shift.model_construct(**shift) for shift in listed)
    for position, message in overlaps(shifts):
        yield problem(f"schedule.shifts.{position}", message, shifts[position].start)


def _out_of_place(
    values: Mapping[str, Any], catalog: Catalog, area: Sequence[BaseGeometry]
) -> Iterator[Problem]:
    if fence := fence_of(values):
        for key, message in fence_faults(fence, catalog.city.bbox, area):
            value: Any = fence.coordinates
            for step in key[1:]:
                value = value[step]
            yield problem(".".join(map(str, ("coverage", "geo_fence", *key))), message, value)
