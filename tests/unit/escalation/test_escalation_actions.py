"""What each action of an escalation means; staff and SLA steps share them."""

from __future__ import annotations

from typing import Any

import pytest

from cst_core.errors import InvalidInput
from cst_escalation import action_names, escalate
from cst_inbox import INBOX_ROLES
from cst_ledger.events import By
from cst_testkit.factories import policy_terms, request_state

STEP = By("system", "sla")


def document(**overrides: Any) -> dict[str, Any]:
    ledger = {"seq": 4, "hash": "x", "bucket": 0}
    terms = {"sla_policy": policy_terms()}
    state = request_state(**terms | overrides)
    return state | {"request_id": "CST-2026-0001", "ledger": ledger}


@pytest.mark.parametrize("action", action_names())
def test_every_action_is_counted_once_and_told_first(action: str) -> None:
    found = escalate(document(escalations=2), action, STEP, "why", after_hours=3)
    first = found.events[0]
    assert (first.type, first.changes) == ("escalated", {"escalations": 3})
    assert first.meta == {"action": action, "after_hours": 3}
    assert first.message == "why"


@pytest.mark.parametrize("role", INBOX_ROLES)
def test_a_role_is_notified_by_the_event_that_calls_for_it(role: str) -> None:
    (notice,) = escalate(document(), f"notify:{role}", STEP, "secret words").notices
    assert (notice.role, notice.seq, notice.request_id) == (role, 5, "CST-2026-0001")
    assert "secret words" not in notice.reason


def test_a_supervisor_can_be_called() -> None:
    (notice,) = escalate(document(), "assign_supervisor", STEP).notices
    assert notice.role == "supervisor"


@pytest.mark.parametrize(("before", "after"), [("P4", "P3"), ("P3", "P2"), ("P2", "P1")])
def test_a_priority_goes_up_by_one_and_the_promise_stays(before: str, after: str) -> None:
    found = escalate(document(priority=before), "raise_priority", STEP)
    _, raised = found.events
    assert raised.changes == {"priority": after}
    assert raised.meta == {"from_priority": before, "to_priority": after, "rule": "escalation"}
    assert found.notices == []


def test_reassignment_is_left_to_who_hears_of_it() -> None:
    found = escalate(document(), "reassign", STEP, after_hours=16)
    assert [event.type for event in found.events] == ["escalated"]
    assert found.notices == []


def test_what_is_most_urgent_stays_so() -> None:
    assert len(escalate(document(priority="P1"), "raise_priority", STEP).events) == 1


@pytest.mark.parametrize(
    "action", ["notify:agent", "notify:citizen", "notify:", "", "RAISE_PRIORITY"]
)
def test_an_unknown_action_names_those_there_are(action: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        escalate(document(), action, STEP)
    (error,) = caught.value.members["errors"]
    assert error["allowed"] == list(action_names())
