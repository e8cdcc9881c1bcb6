"""Other promises than the city's own, from files, to see what they would mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from cst_city import checks
from cst_city.catalog import Catalog
from cst_city.documents import DocumentError, read_document
from cst_city.explain import explain
from cst_city.loader import CityError
from cst_city.models import CitySpec
from cst_city.policies import SlaPolicy
from cst_city.sections import read_section
from cst_contracts.enums import UNKNOWN_ZONE


def with_promises(catalog: Catalog, policies: Path | None, calendars: Path | None) -> Catalog:
    """Return the city with the policies and calendars of other files; None keeps its own.

    Args:
        catalog: the city.
        policies: a file like ``sla_policies.yaml``.
        calendars: a file with the key ``calendars``, as ``city.yaml`` has it; other keys of a city
            may stand in it and mean nothing here.

    Raises:
        CityError: every mistake in them, each with its place.
    """
    problems: list[str] = []
    spec = catalog.city if calendars is None else _calendars(catalog, calendars, problems)
    found = catalog.policies
    if policies is not None:
        found = _policies(catalog, policies, set(spec.calendar_terms), problems)
    else:
        problems += _orphans(found, spec, calendars)
    if problems:
        raise CityError((policies or calendars or Path()).parent, problems)
    return replace(catalog, city=spec, policies=found)


def _calendars(catalog: Catalog, path: Path, problems: list[str]) -> CitySpec:
    try:
        document = read_document(path)
    except DocumentError as error:
        problems.append(str(error))
        return catalog.city
    problems += document.problems
    given = {"calendars": document.data.get("calendars")}
    try:
        return CitySpec.model_validate(catalog.city.model_dump(mode="json") | given)
    except ValidationError as error:
        problems += explain(document, (), CitySpec, error)
        return catalog.city


def _policies(
    catalog: Catalog, path: Path, calendars: set[str], problems: list[str]
) -> tuple[SlaPolicy, ...]:
    try:
        document = read_document(path)
    except DocumentError as error:
        problems.append(str(error))
        return ()
    section = read_section(document, "policies", SlaPolicy, "policy_id")
    zones = {UNKNOWN_ZONE, *catalog.zone_names}
    problems += document.problems + section.problems
    problems += checks.check_policies(section, set(catalog.categories), zones, calendars)
    return tuple(section.items.values())


def _orphans(policies: tuple[SlaPolicy, ...], spec: CitySpec, calendars: Path | None) -> list[str]:
    """The city's own policies have their calendars among others' too."""
    return [
        f"{calendars}:1: calendars: {policy.policy_id} needs {policy.calendar}, which is not there"
        for policy in policies
        if policy.calendar not in spec.calendar_terms
    ]
