"""What is wrong with a rule set, fault by fault; the services rely on a set that has none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from cst_contracts.enums import STATUSES, Role
from cst_contracts.workflow import RuleEdge, WorkflowRules

#: Roles that may be given a step; auditors read, citizens have routes of their own.
STEP_ROLES = tuple(role for role in get_args(Role) if role not in ("citizen", "auditor"))
_TARGETS = tuple(status for status in STATUSES if status != "new")
#: What always stands where a request is resolved: closing by itself brings nothing along.
_STANDS = ("category", "priority", "resolution_code")
#: What the services take for granted after a step to a state.
_NEEDS = {
    "assigned": "assigned_agent_id",
    "in_progress": "assigned_agent_id",
    "resolved": "resolution_code",
    "closed": "resolution_code",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: where, what is wrong, what was seen, and what is allowed if that is a list."""

    field: str
    message: str
    value: Any = None
    allowed: tuple[str, ...] | None = None

    def __str__(self) -> str:
        seen = "" if self.value is None else f", got {self.value!r}"
        allowed = "" if self.allowed is None else f"; allowed: {', '.join(self.allowed)}"
        return f"{self.field}: {self.message}{seen}{allowed}"


class RulesError(ValueError):
    """A rule set has mistakes; the text has a line for each."""

    def __init__(self, version: object, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(f"rules {version}: {fault}" for fault in self.faults))


def read_rules(data: Mapping[str, Any], requirements: Collection[str]) -> WorkflowRules:
    """Read and check a rule set.

    Args:
        data: as it is stored or sent.
        requirements: what an edge may require.

    Raises:
        RulesError: with every fault found.
    """
    version = data.get("version")
    try:
        rules = WorkflowRules.model_validate(data)
    except ValidationError as error:
        raise RulesError(version, map(_shape, error.errors(include_url=False))) from None
    if faults := list(_faults(rules, tuple(requirements))):
        raise RulesError(version, faults)
    return rules


def _shape(error: Any) -> Fault:
    seen = error["input"]
    value = seen if isinstance(seen, str | int | float | bool) else None
    return Fault(".".join(map(str, error["loc"])) or "rules", error["msg"], value)


def _faults(rules: WorkflowRules, requirements: tuple[str, ...]) -> Iterator[Fault]:
    seen = set[tuple[str, str]]()
    for position, edge in enumerate(rules.edges):
        where = f"edges.{position}"
        yield from _edge_faults(edge, where, requirements)
        if (edge.source, edge.target) in seen:
            yield Fault(where, "is there twice", f"{edge.source} -> {edge.target}")
        seen.add((edge.source, edge.target))
    for name in ("resolution_codes", "hold_reasons"):
        yield from _doubled(name, getattr(rules, name))
    yield from _dead_ends(seen)


def _edge_faults(edge: RuleEdge, where: str, requirements: tuple[str, ...]) -> Iterator[Fault]:
    if edge.source not in STATUSES:
        yield Fault(f"{where}.from", "is no state", edge.source, STATUSES)
    elif edge.source == "closed":
        yield Fault(f"{where}.from", "closed is final", edge.source, STATUSES[:-1])
    if edge.target not in _TARGETS:
        yield Fault(f"{where}.to", "is no state that a step leads to", edge.target, _TARGETS)
    elif edge.source == edge.target:
        yield Fault(where, "leads nowhere", f"{edge.source} -> {edge.target}")
    by_category = {f"required_by_category.{c}": n for c, n in edge.required_by_category.items()}
    for key, names in {"required": edge.required, **by_category}.items():
        yield from _unknown(f"{where}.{key}", "is no requirement", names, requirements)
        yield from _doubled(f"{where}.{key}", names)
        if (edge.source, edge.target) == ("resolved", "closed"):
            what = "cannot be asked for, since what is resolved closes by itself"
            known = [name for name in names if name in requirements]
            yield from _unknown(f"{where}.{key}", what, known, _STANDS)
    yield from _unknown(f"{where}.roles", "is no role that takes steps", edge.roles, STEP_ROLES)
    needed = _NEEDS.get(edge.target)
    stands = (edge.source, edge.target) == ("resolved", "closed")
    if needed is not None and not stands and needed not in edge.required:
        yield Fault(f"{where}.required", f"a step to {edge.target} must require {needed}")


def _unknown(
    field: str, message: str, names: Iterable[str], allowed: tuple[str, ...]
) -> Iterator[Fault]:
    for name in names:
        if name not in allowed:
            yield Fault(field, message, name, allowed)


def _doubled(field: str, names: list[str]) -> Iterator[Fault]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(field, "is there twice", name)


def _dead_ends(edges: Collection[tuple[str, str]]) -> Iterator[Fault]:
    """What can be reached must lead on to closed, and what is resolved must close by itself."""
    reached = _closure("new", edges)
    ending = _closure("closed", {(target, source) for source, target in edges})
    for status in STATUSES:
        if status in reached and status not in ending:
            yield Fault("edges", f"no way leads from {status} on to closed")
    if "resolved" in reached and ("resolved", "closed") not in edges:
        yield Fault("edges", "resolved -> closed must be there: what is resolved closes by itself")


def _closure(start: str, edges: Collection[tuple[str, str]]) -> set[str]:
    """Return what can be reached from ``start``, itself included."""
    found, more = {start}, {start}
    while more:
        more = {target for source, target in edges if source in more} - found
        found |= more
    return found
