"""A successor's clock: it goes on where the request before it had stopped."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from cst_ledger.events import By
from cst_ledger.rules import RuleBook
from cst_testkit.factories import CREATED_AT, policy_terms, request_state
from cst_workflow.domain.successors import first_event, stopped_at, succeeded

CHIEF = By("staff", "kchen")
RULES = RuleBook.shipped().version("v1.0")
RESOLVED, CLOSED, NOW = (CREATED_AT + timedelta(hours=hours) for hours in (10, 20, 50))
LINKED = CREATED_AT + timedelta(hours=4)


def ended(
    resolved_at: datetime | None = RESOLVED, closed_at: datetime | None = CLOSED, **overrides: Any
) -> dict[str, Any]:
    """Return a closed request whose promise was 24 hours, 2 of them on hold."""
    state = request_state(
        status="closed",
        sla_policy=policy_terms(breach_threshold_hours=24),
        due_at=CREATED_AT + timedelta(hours=26),
        **overrides,
    )
    held = {"since": CREATED_AT, "until": CREATED_AT + timedelta(hours=2)}
    state["workflow"] = state["workflow"] | {"held_seconds": 7200, "pauses": [held]}
    state["timestamps"] = state["timestamps"] | {"resolved_at": resolved_at, "closed_at": closed_at}
    state["location"] = state["location"] | {"address_hint": "Main St"}
    return state | {"request_id": "CST-2026-0001", "description": "A hole"}


def duplicate(linked_at: datetime) -> dict[str, Any]:
    return {
        "is_master": False,
        "master_request_id": "CST-2026-0002",
        "linked_duplicates": [],
        "linked_at": linked_at,
    }


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (ended(), RESOLVED),
        (ended(resolved_at=None), CLOSED),
        (ended(duplicates=duplicate(LINKED)), LINKED),
        (ended(None, None), NOW),
    ],
)
def test_the_clock_stopped_at_the_first_of_what_stops_it(
    document: dict[str, Any], expected: datetime
) -> None:
    assert stopped_at(document, NOW) == expected


def test_the_time_that_was_left_is_left() -> None:
    first = first_event(ended(), RULES, CHIEF, NOW)
    left = timedelta(hours=26) - timedelta(hours=10)
    assert first.changes["due_at"] == NOW + left
    assert first.changes["workflow"]["held_seconds"] == 7200 + 40 * 3600
    assert first.changes["timestamps"]["created_at"] == CREATED_AT
    assert first.changes["timestamps"]["resolved_at"] is None
    assert first.at == NOW


def test_texts_go_where_texts_go() -> None:
    first = first_event(ended(), RULES, CHIEF, NOW)
    assert (first.message, first.address_hint) == ("A hole", "Main St")
    assert "A hole" not in str(first.changes)
    assert "address_hint" not in first.changes["location"]


def test_an_erased_text_stays_erased() -> None:
    first = first_event(ended() | {"description": None}, RULES, CHIEF, NOW)
    assert first.message is None


@pytest.mark.parametrize(
    ("state", "dangerous"), [("unconfirmed", True), ("confirmed", True), ("lowered", False)]
)
def test_a_danger_goes_along(state: str, dangerous: bool) -> None:
    danger = {"reason": "x", "state": state}
    first = first_event(ended(danger=danger), RULES, CHIEF, NOW)
    assert first.changes["danger"] == danger
    assert first.meta["dangerous"] is dangerous


def test_a_dispute_ends_where_a_successor_begins() -> None:
    plain = succeeded(ended(), "CST-2026-0009", CHIEF, None)
    assert plain.changes == {"succeeded_by": "CST-2026-0009"}
    disputed = succeeded(ended(dispute={"at": NOW}), "CST-2026-0009", CHIEF, "x")
    assert disputed.changes == {"succeeded_by": "CST-2026-0009", "dispute": None}
