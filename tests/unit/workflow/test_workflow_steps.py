"""From commands to events: what a step brings, and where none is taken by hand."""

from __future__ import annotations

import pytest

from cst_contracts.enums import STATUSES
from cst_contracts.requests import TransitionCommand
from cst_core.errors import Conflict, InvalidInput
from cst_ledger.ownership import MAY_CHANGE, check_ownership
from cst_ledger.rules import RuleBook
from cst_testkit.factories import CREATED_AT, SYSTEM, request_state
from cst_testkit.histories import AGENT_ID, LIFECYCLE
from cst_workflow.domain.steps import (
    check_fields,
    check_free,
    check_undisputed,
    holder_of,
    step_event,
)

BOOK = RuleBook.shipped()
FIELDS = {
    "priority": "P1",
    "assigned_agent_id": str(AGENT_ID),
    "resolution_code": "fixed",
}
#: The one field that a step of either version of the rules takes, where it takes one.
TAKES = {
    ("new", "triaged"): "priority",
    ("triaged", "assigned"): "assigned_agent_id",
    ("resolved", "in_progress"): "assigned_agent_id",
    ("in_progress", "resolved"): "resolution_code",
    ("new", "closed"): "resolution_code",
    ("triaged", "closed"): "resolution_code",
}
BEFORE = dict(zip(LIFECYCLE, STATUSES, strict=False))
STEPS = sorted(
    {(e.source, e.target) for version in ("v1.0", "v1.1") for e in BOOK.version(version).edges}
)
AGENT = {"_id": AGENT_ID, "agent_code": "DOT-1"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("step", STEPS, ids=" to ".join)
def test_a_step_takes_its_own_field_only(step: tuple[str, str], field: str) -> None:
    command = TransitionCommand.model_validate({"to": step[1], field: FIELDS[field]})
    if TAKES.get(step) == field:
        check_fields(command, step[0])
        return
    with pytest.raises(InvalidInput, match=field) as caught:
        check_fields(command, step[0])
    [error] = caught.value.members["errors"]
    assert error["allowed"] == ([TAKES[step]] if step in TAKES else [])


@pytest.mark.parametrize("status", LIFECYCLE)
def test_a_steps_event_owns_what_it_changes(status: str) -> None:
    source = BEFORE[status]
    field = TAKES.get((source, status))
    fields = {field: FIELDS[field]} if field else {}
    command = TransitionCommand.model_validate({"to": status, "note": "so", **fields})
    policy = {"sla_policy": None, "due_at": None}
    agent = AGENT if status == "assigned" else None
    event = step_event(command, SYSTEM, source=source, agent=agent, policy=policy)
    check_ownership(event.type, event.changes)
    assert status in MAY_CHANGE
    assert (event.type, event.message, event.changes["status"]) == (status, "so", status)


def test_a_missing_agent_is_left_for_the_rules_to_name() -> None:
    command = TransitionCommand(to="assigned")
    event = step_event(command, SYSTEM, source="triaged", agent=None, policy={})
    assert event.changes["assignment.assigned_agent_id"] is None


@pytest.mark.parametrize("status", STATUSES)
def test_capacity_is_held_while_work_is_open(status: str) -> None:
    document = request_state(status=status, assignment={"assigned_agent_id": AGENT_ID})
    assert holder_of(document) == (AGENT_ID if status in ("assigned", "in_progress") else None)
    document["duplicates"] = {"is_master": False}
    assert holder_of(document) is None


def test_what_was_rejected_says_why() -> None:
    command = TransitionCommand(to="closed", resolution_code="spam", note="An advertisement")
    rejected = step_event(command, SYSTEM, source="triaged", agent=None, policy={})
    assert rejected.changes == {"status": "closed", "resolution_code": "spam"}
    assert rejected.meta == {"resolution_code": "spam"}
    kept = step_event(
        TransitionCommand(to="closed"), SYSTEM, source="resolved", agent=None, policy={}
    )
    assert kept.changes == {"status": "closed"}


def test_steps_are_not_taken_by_hand_on_duplicates_and_on_what_is_held() -> None:
    check_free(request_state(request_id="CST-2026-0002"))
    duplicate = request_state(
        request_id="CST-2026-0002", duplicates={"master_request_id": "CST-2026-0001"}
    )
    with pytest.raises(Conflict, match="CST-2026-0001") as caught:
        check_free(duplicate)
    assert caught.value.members["master_request_id"] == "CST-2026-0001"
    waiting = request_state(request_id="CST-2026-0002")
    waiting["workflow"]["hold"] = {"reason": "weather", "since": CREATED_AT, "until": CREATED_AT}
    with pytest.raises(Conflict, match="resume it first"):
        check_free(waiting)


def test_what_is_disputed_is_not_closed_by_hand() -> None:
    disputed = request_state(
        request_id="CST-2026-0002", status="resolved", dispute={"at": CREATED_AT}
    )
    check_undisputed(disputed, "in_progress")
    with pytest.raises(Conflict, match="/requests/CST-2026-0002/dispute/settle"):
        check_undisputed(disputed, "closed")
    check_undisputed(request_state(), "closed")
