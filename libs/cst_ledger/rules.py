"""The state machine. Rule sets are data: edges, what must stand after each, who may take it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from cst_core.errors import Forbidden, InvalidInput, MissingFields, TransitionRefused
from cst_ledger.events import Document
from cst_ledger.rule_checks import read_rules


def _has_photo_of_work(after: Document) -> bool:
    """The citizen's photo shows the trouble, not the work."""
    return any(
        item["type"] == "photo" and item["uploaded_by"] != "citizen" and item["url"] is not None
        for item in after["evidence"]
    )


#: What a rule may ask for after a step, given the states before and after it. A ``note`` is one
#: that came with the step.
REQUIREMENTS: Mapping[str, Callable[[Document, Document], bool]] = {
    "category": lambda _, after: bool(after["category"]),
    "priority": lambda _, after: bool(after["priority"]),
    "assigned_agent_id": lambda _, after: after["assignment"]["assigned_agent_id"] is not None,
    "resolution_code": lambda _, after: after["resolution_code"] is not None,
    "evidence": lambda _, after: bool(after["evidence"]),
    "photo": lambda _, after: _has_photo_of_work(after),
    "note": lambda before, after: (
        len(after["internal"]["notes"]) > len(before["internal"]["notes"])
    ),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One allowed step."""

    source: str
    target: str
    required: tuple[str, ...]
    required_by_category: Mapping[str, tuple[str, ...]]
    roles: frozenset[str]

    def missing(self, before: Document, after: Document) -> list[str]:
        """Return what the step requires and does not bring or find.

        What a category adds is asked of masters: their work is their duplicates' work.
        """
        wanted = self.required
        if after["duplicates"]["is_master"]:
            wanted = (*wanted, *self.required_by_category.get(after["category"], ()))
        return [name for name in wanted if not REQUIREMENTS[name](before, after)]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of the lifecycle."""

    version: str
    edges: tuple[Edge, ...]
    resolution_codes: tuple[str, ...]
    hold_reasons: tuple[str, ...]
    max_hold_days: int

    def allowed_next(self, status: str) -> list[str]:
        """Return the states one step away from ``status``, in declared order."""
        return [edge.target for edge in self.edges if edge.source == status]

    def edge(self, source: str, target: str) -> Edge:
        """Return the step from ``source`` to ``target``.

        Raises:
            TransitionRefused: there is none; the error names those that there are.
        """
        for edge in self.edges:
            if (edge.source, edge.target) == (source, target):
                return edge
        allowed = self.allowed_next(source)
        raise TransitionRefused(
            f"{source} -> {target} is not a step of rules {self.version}; "
            f"allowed from {source}: {', '.join(allowed) or 'nothing'}",
            current_state=source,
            allowed_next=allowed,
        )

    def document(self) -> dict[str, Any]:
        """Return the rule set as data, as ``parse_rules`` reads it."""
        edges = [
            {
                "from": edge.source,
                "to": edge.target,
                "required": list(edge.required),
                "required_by_category": {
                    category: list(names) for category, names in edge.required_by_category.items()
                },
                "roles": sorted(edge.roles),
            }
            for edge in self.edges
        ]
        return {
            "version": self.version,
            "edges": edges,
            "resolution_codes": list(self.resolution_codes),
            "hold_reasons": list(self.hold_reasons),
            "max_hold_days": self.max_hold_days,
        }

    def leads_to_closed(self, status: str) -> bool:
        """Tell whether a request in ``status`` can still be closed."""
        found, more = {status}, {status}
        while more and "closed" not in found:
            more = {step for state in more for step in self.allowed_next(state)} - found
            found |= more
        return "closed" in found

    def has_edge(self, source: str, target: str) -> bool:
        """Tell whether there is a step from ``source`` to ``target``."""
        return target in self.allowed_next(source)

    def check_role(self, source: str, target: str, roles: Iterable[str]) -> None:
        """Raise ``Forbidden`` unless one of ``roles`` may take the step."""
        edge = self.edge(source, target)
        if edge.roles.isdisjoint(roles):
            raise Forbidden(f"{source} -> {target} needs one of: {', '.join(sorted(edge.roles))}")

    def check(self, before: Document, after: Document) -> None:
        """Check a step between two states of one request.

        Raises:
            TransitionRefused: no such edge.
            MissingFields: a field that the edge requires does not stand.
            InvalidInput: the resolution code is not one of the rule set's.
        """
        edge = self.edge(before["status"], after["status"])
        if missing := edge.missing(before, after):
            raise MissingFields(
                f"{edge.source} -> {edge.target} needs: {', '.join(missing)}",
                [{"field": name, "message": "is required for this step"} for name in missing],
            )
        code = after["resolution_code"]
        if code is not None and code not in self.resolution_codes and not after["historic"]:
            raise InvalidInput.field(
                "resolution_code", "is not a code of the rules", code, self.resolution_codes
            )


def parse_rules(data: Mapping[str, Any]) -> RuleSet:
    """Read a rule set.

    Raises:
        RulesError: a line for each of its faults.
    """
    rules = read_rules(data, REQUIREMENTS)
    edges = tuple(
        Edge(
            edge.source,
            edge.target,
            tuple(edge.required),
            {category: tuple(names) for category, names in edge.required_by_category.items()},
            frozenset(edge.roles),
        )
        for edge in rules.edges
    )
    return RuleSet(
        rules.version,
        edges,
        tuple(rules.resolution_codes),
        tuple(rules.hold_reasons),
        rules.max_hold_days,
    )


def shipped_rules() -> list[dict[str, Any]]:
    """Return the rule sets that CST ships, as data (they are stored in ``workflow_rules``)."""
    folder = resources.files("cst_ledger") / "rules"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return [yaml.safe_load(file.read_text()) for file in files]


class RuleBook:
    """Every known version; a request is bound to the one pinned at its creation."""

    def __init__(self, rule_sets: Iterable[RuleSet]) -> None:
        self._by_version = {rules.version: rules for rules in rule_sets}

    @classmethod
    def shipped(cls) -> RuleBook:
        """Return the book of the rule sets that CST ships."""
        return cls(parse_rules(data) for data in shipped_rules())

    def add(self, rules: RuleSet) -> None:
        """Take up a version; one that is known stays as it is."""
        self._by_version.setdefault(rules.version, rules)

    def knows(self, version: str) -> bool:
        """Tell whether the version is in the book."""
        return version in self._by_version

    def of(self, document: Document) -> RuleSet:
        """Return the rule set pinned by a request.

        Raises:
            KeyError: the version is not in the book.
        """
        return self._by_version[document["workflow"]["transition_rules_version"]]

    def all(self) -> list[RuleSet]:
        """Return every rule set."""
        return list(self._by_version.values())

    def version(self, version: str) -> RuleSet:
        """Return one version; ``KeyError`` where there is none."""
        return self._by_version[version]
