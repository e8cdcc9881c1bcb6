"""The lifecycle v1.0: every edge, every non-edge, what each step needs, and whose it is."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from cst_contracts.enums import STATUSES
from cst_core.errors import Forbidden, InvalidInput, MissingFields, TransitionRefused
from cst_ledger.events import NewEvent
from cst_ledger.ownership import OwnershipError
from cst_ledger.rules import REQUIREMENTS, RuleBook, parse_rules, shipped_rules
from cst_testkit.factories import CREATED_AT, SYSTEM, created_event, request_state
from cst_testkit.histories import LIFECYCLE, step, written

V1 = RuleBook.shipped().version("v1.0")
EDGES = {
    ("new", "triaged"),
    ("triaged", "assigned"),
    ("assigned", "in_progress"),
    ("in_progress", "resolved"),
    ("resolved", "closed"),
}
PAIRS = list(product(STATUSES, STATUSES))


def standing(status: str, **fields: Any) -> dict[str, Any]:
    """Return a state in ``status`` that has everything any step asks for."""
    state = request_state(status=status, resolution_code="fixed")
    state["assignment"]["assigned_agent_id"] = "someone"
    return state | fields


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_step_is_allowed_exactly_where_the_specification_has_it(source: str, target: str) -> None:
    if (source, target) in EDGES:
        V1.check(standing(source), standing(target))
        return
    with pytest.raises(TransitionRefused) as caught:
        V1.check(standing(source), standing(target))
    allowed = [b for a, b in sorted(EDGES) if a == source]
    assert caught.value.members == {"current_state": source, "allowed_next": allowed}


@pytest.mark.parametrize("target", LIFECYCLE)
@pytest.mark.parametrize("reached", range(len(LIFECYCLE) + 1))
def test_the_ledger_itself_refuses_every_other_step(reached: int, target: str) -> None:
    history = [created_event(), *map(step, LIFECYCLE[:reached])]
    source = STATUSES[reached]
    if (source, target) in EDGES:
        assert written([*history, step(target)]).document["status"] == target
    elif source != target:
        with pytest.raises(TransitionRefused):
            written([*history, step(target)])


@pytest.mark.parametrize("reached", range(1, len(LIFECYCLE) + 1))
def test_a_step_to_where_the_request_already_is_is_refused(reached: int) -> None:
    history = [created_event(), *map(step, LIFECYCLE[:reached])]
    with pytest.raises(TransitionRefused):
        written([*history, step(LIFECYCLE[reached - 1])])


@pytest.mark.parametrize(
    ("source", "target", "missing"),
    [
        ("new", "triaged", {"category": ""}),
        ("new", "triaged", {"priority": None}),
        ("triaged", "assigned", {"assignment": {"assigned_agent_id": None}}),
        ("assigned", "in_progress", {"assignment": {"assigned_agent_id": None}}),
        ("in_progress", "resolved", {"resolution_code": None}),
    ],
)
def test_a_missing_field_is_named(source: str, target: str, missing: dict[str, Any]) -> None:
    name = "assigned_agent_id" if "assignment" in missing else next(iter(missing))
    with pytest.raises(MissingFields, match=name) as caught:
        V1.check(standing(source), standing(target, **missing))
    assert [error["field"] for error in caught.value.members["errors"]] == [name]


def test_every_missing_field_is_named_at_once() -> None:
    with pytest.raises(MissingFields, match="needs: category, priority"):
        V1.check(standing("new"), standing("triaged", category="", priority=None))


def test_an_unknown_resolution_code_is_refused_with_those_known() -> None:
    with pytest.raises(InvalidInput) as caught:
        V1.check(standing("in_progress"), standing("resolved", resolution_code="whatever"))
    assert caught.value.members["errors"][0]["allowed"] == list(V1.resolution_codes)


@pytest.mark.parametrize(("source", "target"), sorted(EDGES))
@pytest.mark.parametrize("role", ["citizen", "agent", "dispatcher", "supervisor", "auditor"])
def test_who_may_take_a_step(source: str, target: str, role: str) -> None:
    by_agents = {("assigned", "in_progress"), ("in_progress", "resolved")}
    may = role in ("dispatcher", "supervisor") or (
        role == "agent" and (source, target) in by_agents
    )
    if may:
        V1.check_role(source, target, [role])
    else:
        with pytest.raises(Forbidden, match="needs one of"):
            V1.check_role(source, target, [role])


def test_a_category_may_ask_for_more() -> None:
    data = shipped_rules()[0]
    data["edges"][3] |= {"required_by_category": {"pothole": ["evidence"]}}
    strict, before = parse_rules(data), standing("in_progress")
    with pytest.raises(MissingFields, match="evidence"):
        strict.check(before, standing("resolved"))
    strict.check(before, standing("resolved", category="graffiti"))
    strict.check(before, standing("resolved", evidence=[{"type": "photo"}]))
    strict.check(before, standing("resolved", duplicates={"is_master": False}))


@pytest.mark.parametrize("data", shipped_rules(), ids=lambda data: data["version"])
def test_a_shipped_rule_set_survives_being_stored(data: dict[str, Any]) -> None:
    rules = parse_rules(data)
    assert parse_rules(rules.document()) == rules
    named = {name for edge in rules.edges for name in edge.required}
    assert named <= set(REQUIREMENTS)


def refused(event: NewEvent, says: str) -> None:
    with pytest.raises(OwnershipError, match=says):
        written([created_event(), event])


def test_an_event_may_change_only_what_its_type_owns() -> None:
    refused(NewEvent("triaged", SYSTEM, changes={"description": "x"}), "triaged may not change")
    refused(NewEvent("assigned", SYSTEM, changes={"priority": "P1"}), "assigned may not change")
    refused(NewEvent("agent_reserved", SYSTEM, changes={"assignment": {}}), "may not change")
    refused(NewEvent("sla_breached", SYSTEM, changes={"priority": "P1"}), "may not change")


def test_owning_a_field_is_not_owning_one_whose_name_begins_alike() -> None:
    refused(NewEvent("triaged", SYSTEM, changes={"priority_override": "P1"}), "may not change")


def test_a_step_keeps_when_the_request_was_created() -> None:
    earlier = {"status": "triaged", "timestamps.created_at": CREATED_AT.replace(year=2020)}
    refused(NewEvent("triaged", SYSTEM, changes=earlier), r"may not change timestamps.created_at")


def test_only_the_step_named_so_reaches_a_status() -> None:
    refused(NewEvent("triaged", SYSTEM, changes={"status": "closed"}), "may not set status closed")
    refused(NewEvent("closed", SYSTEM, changes={"status": "triaged"}), "may not set status triaged")


@pytest.mark.parametrize("name", LIFECYCLE)
def test_a_step_that_takes_no_step_is_refused(name: str) -> None:
    refused(NewEvent(name, SYSTEM), "may not set status None")


def test_an_event_that_is_in_no_contract_is_refused() -> None:
    refused(NewEvent("vanished", SYSTEM), "no event type")
