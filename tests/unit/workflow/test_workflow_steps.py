"""From commands and rules to events: what a step brings, and what triage does by itself."""

from __future__ import annotations

import pytest

from cst_contracts.enums import STATUSES
from cst_contracts.requests import TransitionCommand
from cst_core.errors import InvalidInput
from cst_ledger.ownership import MAY_CHANGE, check_ownership
from cst_testkit.factories import SYSTEM, request_state
from cst_testkit.histories import AGENT_ID, LIFECYCLE
from cst_workflow.domain.steps import check_fields, holder_of, step_event

FIELDS = {
    "priority": "P1",
    "assigned_agent_id": str(AGENT_ID),
    "resolution_code": "fixed",
}
TAKES = {"triaged": "priority", "assigned": "assigned_agent_id", "resolved": "resolution_code"}
AGENT = {"_id": AGENT_ID, "agent_code": "DOT-1"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("status", STATUSES)
def test_a_step_takes_its_own_field_only(status: str, field: str) -> None:
    command = TransitionCommand.model_validate({"to": status, field: FIELDS[field]})
    if TAKES.get(status) == field:
        check_fields(command)
        return
    with pytest.raises(InvalidInput, match=field) as caught:
        check_fields(command)
    [error] = caught.value.members["errors"]
    assert error["allowed"] == ([TAKES[status]] if status in TAKES else [])


@pytest.mark.parametrize("status", LIFECYCLE)
def test_a_steps_event_owns_what_it_changes(status: str) -> None:
    field = TAKES.get(status)
    fields = {field: FIELDS[field]} if field else {}
    command = TransitionCommand.model_validate({"to": status, "note": "so", **fields})
    policy = {"sla_policy": None, "due_at": None}
    event = step_event(command, SYSTEM, agent=AGENT, policy=policy)
    check_ownership(event.type, event.changes)
    assert status in MAY_CHANGE
    assert (event.type, event.message, event.changes["status"]) == (status, "so", status)


def test_a_missing_agent_is_left_for_the_rules_to_name() -> None:
    command = TransitionCommand(to="assigned")
    event = step_event(command, SYSTEM, agent=None, policy={})
    assert event.changes["assignment.assigned_agent_id"] is None


@pytest.mark.parametrize("status", STATUSES)
def test_capacity_is_held_while_work_is_open(status: str) -> None:
    document = request_state(status=status, assignment={"assigned_agent_id": AGENT_ID})
    assert holder_of(document) == (AGENT_ID if status in ("assigned", "in_progress") else None)
