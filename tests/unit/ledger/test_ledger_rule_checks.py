"""A rule set with mistakes is not read: each has a line that names it and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cst_ledger.rule_checks import RulesError
from cst_ledger.rules import RuleBook, parse_rules, shipped_rules

Data = dict[str, Any]


def strict() -> Data:
    """Return v1.0 as data, to be spoiled."""
    return shipped_rules()[0]


def edge(source: str, target: str, **fields: Any) -> Data:
    return {"from": source, "to": target, "required": [], "roles": ["admin"]} | fields


def with_version(text: Any) -> Callable[[Data], None]:
    return lambda data: data.update(version=text)


def with_edge(new: Data) -> Callable[[Data], None]:
    return lambda data: data["edges"].append(new)


def with_field(position: int, name: str, value: Any) -> Callable[[Data], None]:
    return lambda data: data["edges"][position].update({name: value})


def with_list(name: str, value: Any) -> Callable[[Data], None]:
    return lambda data: data.update({name: value})


def without_edge(position: int) -> Callable[[Data], None]:
    return lambda data: data["edges"].pop(position)


SPOILED: list[tuple[Callable[[Data], None], str]] = [
    *((with_version(text), "version: ") for text in ("", "1.0", "v1", "v01.0", "v1.0 beta", 1)),
    (with_edge(edge("flying", "closed")), "edges.5.from: is no state, got 'flying'"),
    (with_edge(edge("triaged", "new")), "edges.5.to: is no state that a step leads to, got 'new'"),
    (with_edge(edge("closed", "triaged")), "edges.5.from: closed is final"),
    (with_edge(edge("triaged", "triaged")), "edges.5: leads nowhere"),
    (with_edge(edge("new", "triaged")), "edges.5: is there twice, got 'new -> triaged'"),
    (with_edge(edge("new", "closed")), "edges.5.required: a step to closed must require resol"),
    (with_field(1, "required", []), "edges.1.required: a step to assigned must require assigned_a"),
    (with_field(2, "required", []), "edges.2.required: a step to in_progress must require assign"),
    (with_field(3, "required", ["note"]), "edges.3.required: a step to resolved must require re"),
    (with_field(0, "required", ["luck"]), "edges.0.required: is no requirement, got 'luck'; allow"),
    (with_field(0, "required", ["note", "note"]), "edges.0.required: is there twice, got 'note'"),
    (
        with_field(3, "required_by_category", {"pothole": ["luck"]}),
        "edges.3.required_by_category.pothole: is no requirement, got 'luck'",
    ),
    (with_field(4, "required", ["note"]), "edges.4.required: cannot be asked for, since what is r"),
    (with_field(0, "roles", ["king"]), "edges.0.roles: is no role that takes steps, got 'king'"),
    (with_field(0, "roles", ["citizen"]), "edges.0.roles: is no role that takes steps"),
    (with_field(0, "colour", "red"), "edges.0.colour: Extra inputs are not permitted"),
    (with_list("edges", []), "edges: "),
    (with_list("edges", "none"), "edges: "),
    (with_list("resolution_codes", []), "resolution_codes: "),
    (with_list("resolution_codes", ["Fixed it!"]), "resolution_codes.0: "),
    (with_list("resolution_codes", [""]), "resolution_codes.0: "),
    (with_list("resolution_codes", ["a", "a"]), "resolution_codes: is there twice, got 'a'"),
    (with_list("hold_reasons", ["two words"]), "hold_reasons.0: "),
    (with_list("max_hold_days", 0), "max_hold_days: "),
    (with_list("max_hold_days", 366), "max_hold_days: "),
    (with_list("holidays", []), "holidays: Extra inputs are not permitted"),
    (without_edge(3), "edges: no way leads from in_progress on to closed"),
    (without_edge(0), "edges: no way leads from new on to closed"),
]


@pytest.mark.parametrize(("spoil", "says"), SPOILED, ids=[says[:60] for _, says in SPOILED])
def test_each_mistake_has_its_line(spoil: Callable[[Data], None], says: str) -> None:
    data = strict()
    parse_rules(data)
    spoil(data)
    with pytest.raises(RulesError) as caught:
        parse_rules(data)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.faults)
    assert any(line.startswith(f"rules {data['version']}: {says}") for line in lines), lines


def test_all_mistakes_are_told_at_once() -> None:
    data = strict()
    with_edge(edge("flying", "closed", required=["resolution_code"]))(data)
    with_field(0, "roles", ["king"])(data)
    with pytest.raises(RulesError) as caught:
        parse_rules(data)
    assert [fault.field for fault in caught.value.faults] == ["edges.0.roles", "edges.5.from"]
    assert caught.value.faults[0].allowed == ("agent", "dispatcher", "supervisor", "admin")


def test_what_is_resolved_must_be_able_to_close_by_itself() -> None:
    data = strict()
    data["edges"][4] = edge("resolved", "in_progress", required=["assigned_agent_id"])
    with_edge(edge("in_progress", "closed", required=["resolution_code"]))(data)
    with pytest.raises(RulesError, match="resolved -> closed must be there"):
        parse_rules(data)


def test_a_state_that_nothing_leads_to_needs_no_way_on() -> None:
    data = strict()
    data["edges"] = [edge("new", "closed", required=["resolution_code"])]
    rules = parse_rules(data)
    assert rules.leads_to_closed("new")
    assert rules.leads_to_closed("closed")
    assert not rules.leads_to_closed("triaged")


def test_the_specifications_lifecycle_is_the_five_edges_and_no_other() -> None:
    v1 = RuleBook.shipped().version("v1.0")
    assert [(e.source, e.target) for e in v1.edges] == [
        ("new", "triaged"),
        ("triaged", "assigned"),
        ("assigned", "in_progress"),
        ("in_progress", "resolved"),
        ("resolved", "closed"),
    ]
