"""Loads a city's folder as one checked, immutable object."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from cst_city import checks
from cst_city.documents import Document, DocumentError, read_document
from cst_city.explain import explain
from cst_city.models import AgentSeed, Category, CitySpec, ZoneSource
from cst_city.policies import BUILT_IN, SlaPolicy
from cst_city.sections import Section, read_section
from cst_city.zone_source import ZoneSourceError, read_boundary, read_zones
from cst_contracts.enums import UNKNOWN_ZONE
from cst_geo import Zone, ZoneIndex

M = TypeVar("M", bound=BaseModel)


class CityError(Exception):
    """A city's folder has mistakes: ``problems`` holds all that were found, one line each.

    A line reads ``file:line: key.path: what is wrong, the value seen, what is allowed``.
    """

    def __init__(self, folder: Path, problems: list[str]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(problems)
        super().__init__(f"{folder} has {len(problems)} problem(s):\n{lines}")


@dataclass(frozen=True)
class City:
    """All a city declares."""

    spec: CitySpec
    categories: tuple[Category, ...]
    policies: tuple[SlaPolicy, ...]
    agents: tuple[AgentSeed, ...]
    zones: tuple[Zone, ...]
    boundary: dict[str, Any] | None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 in hex of the contents; the layout and comments of the files do not matter."""
        contents = [getattr(self, part.name) for part in fields(self)]
        canonical = orjson.dumps(contents, default=_plain, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()

    @cached_property
    def promises(self) -> dict[str, Any]:
        """What the city promises: its policies in their order and its calendars, as plain data."""
        return {
            "policies": [policy.model_dump(mode="json") for policy in self.policies],
            "calendars": dict(self.spec.calendar_terms),
        }

    def zone_index(self) -> ZoneIndex:
        """Return a new index of the city's zones, with its boundary and snapping distance."""
        return ZoneIndex(self.zones, snap_m=self.spec.zone_snap_m, boundary=self.boundary)


def load_city(folder: Path, zones_path: Path | None = None) -> City:
    """Load and check the city in ``folder``.

    Args:
        folder: holds city.yaml, categories.yaml, sla_policies.yaml, agents.yaml, and, where the
            city has them, its zones and boundary.geojson.
        zones_path: GeoJSON file of the zones, for a city whose source is ``external``.

    Raises:
        CityError: with every mistake found in any of the files.
    """
    draft = _Draft(folder, zones_path)
    problems = [*draft.problems, *draft.cross_checks()]
    city = draft.city()
    if problems or city is None:
        raise CityError(folder, problems)
    return city


class _Draft:
    """A folder as far as it could be read: None stands for a part that could not."""

    def __init__(self, folder: Path, zones_path: Path | None) -> None:
        self._folder = folder
        self.problems: list[str] = []
        self._document = self._open("city.yaml")
        self._spec = self._read_spec()
        self._categories = self._section("categories.yaml", "categories", Category, "code")
        self._policies = self._section("sla_policies.yaml", "policies", SlaPolicy, "policy_id")
        self._agents = self._section("agents.yaml", "agents", AgentSeed, "agent_code")
        self._zones = self._read_zones(zones_path)
        self._boundary = self._read_boundary()

    def _open(self, name: str) -> Document | None:
        try:
            document = read_document(self._folder / name)
        except DocumentError as error:
            self.problems.append(str(error))
            return None
        self.problems.extend(document.problems)
        return document

    def _read_spec(self) -> CitySpec | None:
        if self._document is None:
            return None
        try:
            return CitySpec.model_validate(self._document.data)
        except ValidationError as error:
            self.problems.extend(explain(self._document, (), CitySpec, error))
            return None

    def _section(self, file: str, key: str, model: type[M], id_field: str) -> Section[M] | None:
        document = self._open(file)
        if document is None:
            return None
        section = read_section(document, key, model, id_field)
        self.problems.extend(section.problems)
        return section

    def _read_zones(self, zones_path: Path | None) -> tuple[Zone, ...] | None:
        if self._document is None:
            return None
        try:
            # Read apart from the rest of city.yaml, whose mistakes must not hide the zones'.
            source = ZoneSource.model_validate(self._document.data.get("zones"))
            found = read_zones(source, self._folder, zones_path)
        except ValidationError:
            return None
        except ZoneSourceError as error:
            self.problems.append(self._document.problem(("zones",), str(error)))
            return None
        self.problems.extend(self._document.problem(("zones",), why) for why in found.problems)
        return None if found.problems else found.zones

    def _read_boundary(self) -> dict[str, Any] | None:
        try:
            return read_boundary(self._folder / "boundary.geojson")
        except ZoneSourceError as error:
            self.problems.append(f"{self._folder / 'boundary.geojson'}:1: (file): {error}")
            return None

    def cross_checks(self) -> Iterator[str]:
        categories, policies, agents = self._categories, self._policies, self._agents
        departments, zone_ids = self._department_codes(), self._zone_ids()
        if categories:
            yield from checks.check_categories(categories, departments)
        if policies:
            codes = categories.declared("code") if categories else None
            yield from checks.check_policies(policies, codes, zone_ids, self._calendar_names())
        if agents:
            skills = categories.declared("skills") if categories else None
            yield from checks.check_agents(agents, departments, skills, zone_ids)
        if categories and policies and policies.complete:
            yield from checks.check_policy_coverage(policies, categories)
        if categories and agents and agents.complete:
            yield from checks.check_staffing(categories, agents, departments)
        if self._document and self._spec and self._zones is not None:
            yield from checks.check_places(self._document, self._spec, self._zones)
        if agents and self._spec and self._zones is not None:
            yield from checks.check_fences(agents, self._spec, self._zones, self._boundary)

    def _department_codes(self) -> set[str] | None:
        departments = self._document.data.get("departments") if self._document else None
        return set(departments) if isinstance(departments, dict) else None

    def _calendar_names(self) -> set[str] | None:
        calendars = self._document.data.get("calendars", {}) if self._document else None
        return {*BUILT_IN, *calendars} if isinstance(calendars, dict) else None

    def _zone_ids(self) -> set[str] | None:
        if self._zones is None:
            return None
        return {UNKNOWN_ZONE, *(zone.zone_id for zone in self._zones)}

    def city(self) -> City | None:
        """The city of the parts read; None where one could not be, which `problems` explains."""
        if not (self._spec and self._categories and self._policies and self._agents):
            return None
        return City(
            spec=self._spec,
            categories=tuple(self._categories.items.values()),
            policies=tuple(self._policies.items.values()),
            agents=tuple(self._agents.items.values()),
            zones=self._zones or (),
            boundary=self._boundary,
        )


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
