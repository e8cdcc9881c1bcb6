"""Holds and adoptions as pure rules: what may be held, for how long, and what follows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_contracts.enums import OPEN_STATUSES, STATUSES
from cst_contracts.workflow import HoldCommand
from cst_core.errors import Conflict, Forbidden, InvalidInput
from cst_ledger.ownership import check_ownership
from cst_ledger.rules import RuleBook, parse_rules, shipped_rules
from cst_testkit.factories import CREATED_AT, SYSTEM, policy_terms, request_state
from cst_workflow.domain.adoption import obstacle, rules_changed
from cst_workflow.domain.holds import check_holdable, has_run_out, held, resumed

RULES = RuleBook.shipped().version("v1.1")
NOW = CREATED_AT + timedelta(hours=5)
DAY = timedelta(days=1)
DISPATCHER = frozenset({"dispatcher"})


def request(**overrides: Any) -> dict[str, Any]:
    return request_state(**overrides) | {"request_id": "CST-2026-0001"}


def on_hold(since: datetime = NOW, days: float = 2, **overrides: Any) -> dict[str, Any]:
    found = request(**overrides)
    found["workflow"]["hold"] = {
        "reason": "weather",
        "since": since,
        "until": since + days * DAY,
    }
    return found


@pytest.mark.parametrize("status", STATUSES)
def test_open_requests_only_are_held(status: str) -> None:
    if status in OPEN_STATUSES:
        check_holdable(request(status=status), DISPATCHER)
        return
    with pytest.raises(Conflict, match="only open requests are held"):
        check_holdable(request(status=status), DISPATCHER)


def test_neither_duplicates_nor_what_is_held_already() -> None:
    duplicate = request(duplicates={"master_request_id": "CST-2026-0009"})
    with pytest.raises(Conflict, match="CST-2026-0009"):
        check_holdable(duplicate, DISPATCHER)
    with pytest.raises(Conflict, match="is held already"):
        check_holdable(on_hold(), DISPATCHER)


@pytest.mark.parametrize("role", ["agent", "dispatcher", "supervisor", "admin"])
def test_supervisors_only_hold_a_p1(role: str) -> None:
    if role in ("supervisor", "admin"):
        check_holdable(request(priority="P1"), {role})
        return
    with pytest.raises(Forbidden, match="P1"):
        check_holdable(request(priority="P1"), {role})


@pytest.mark.parametrize("until", [NOW - DAY, NOW, NOW + 30 * DAY + timedelta(milliseconds=1)])
def test_a_hold_ends_in_the_future_and_not_too_far_away(until: datetime) -> None:
    with pytest.raises(InvalidInput, match="until: must be in the future, 30 days at most"):
        held(HoldCommand(reason="weather", until=until), RULES, SYSTEM, NOW)


def test_a_hold_has_a_reason_of_the_rules() -> None:
    with pytest.raises(InvalidInput) as caught:
        held(HoldCommand(reason="lunch", until=NOW + DAY), RULES, SYSTEM, NOW)
    assert caught.value.members["errors"][0]["allowed"] == list(RULES.hold_reasons)


def test_holding_changes_the_hold_and_nothing_else() -> None:
    longest = NOW + 30 * DAY
    event = held(HoldCommand(reason="weather", until=longest, note="Ice"), RULES, SYSTEM, NOW)
    check_ownership(event.type, event.changes)
    hold = {"reason": "weather", "since": NOW, "until": longest}
    assert event.changes == {"workflow.hold": hold}
    assert (event.meta, event.message) == ({"reason": "weather", "until": longest}, "Ice")


@given(
    since=st.integers(0, 500),
    days=st.integers(1, 30),
    later=st.integers(0, 1500),
    due=st.integers(0, 500),
)
def test_the_promise_is_put_off_by_as_long_as_the_hold_lasted(
    since: int, days: int, later: int, due: int
) -> None:
    begun = CREATED_AT + timedelta(hours=since)
    document = on_hold(
        begun,
        days,
        sla_policy=policy_terms(target_hours=due),
        due_at=CREATED_AT + timedelta(hours=due),
    )
    document["workflow"]["held_seconds"] = 60
    now = begun + timedelta(hours=later)
    event = resumed(document, SYSTEM, None, now)
    check_ownership(event.type, event.changes)
    lasted = min(timedelta(hours=later), timedelta(days=days))
    assert event.changes["workflow.hold"] is None
    assert event.changes["workflow.held_seconds"] == 60 + lasted.total_seconds()
    assert event.changes["workflow.pauses"] == [{"since": begun, "until": begun + lasted}][:later]
    was_overdue = document["due_at"] <= begun
    # What was overdue already stays so: its clock has nothing left to put off.
    assert event.changes["due_at"] == document["due_at"] + (timedelta() if was_overdue else lasted)
    assert event.meta["expired"] is has_run_out(document, now) is (later >= days * 24)
    assert event.at == begun + lasted
    assert (event.changes["due_at"] <= begun + lasted) is was_overdue


def test_what_is_not_held_is_not_resumed() -> None:
    with pytest.raises(Conflict, match="is not held"):
        resumed(request(), SYSTEM, None, NOW)
    assert not has_run_out(request(), NOW)


def test_nothing_promised_stays_so() -> None:
    assert resumed(on_hold(), SYSTEM, None, NOW + DAY).changes["due_at"] is None


def test_who_adopts_rules_finds_what_has_no_place_there() -> None:
    data = shipped_rules()[1] | {"version": "v2.0"}
    data["edges"] = [e for e in data["edges"] if "assigned" not in (e["from"], e["to"])]
    data["edges"] = [e for e in data["edges"] if "in_progress" not in (e["from"], e["to"])]
    data |= {"resolution_codes": ["spam"], "hold_reasons": ["awaiting_permit"]}
    rules = parse_rules(data)
    assert obstacle(request(), rules) is None
    assert obstacle(request(status="assigned"), rules) == "no way leads from assigned on to closed"
    resolved = request(status="resolved", resolution_code="fixed")
    assert obstacle(resolved, rules) == "its resolution code fixed is unknown there"
    assert obstacle(resolved | {"historic": True}, rules) is None
    assert obstacle(on_hold(), rules) == "it is held for weather, which is no reason there"


def test_adopting_rules_brings_their_steps() -> None:
    event = rules_changed(request(status="resolved"), RULES, SYSTEM)
    check_ownership(event.type, event.changes)
    assert event.changes == {
        "workflow.transition_rules_version": "v1.1",
        "workflow.allowed_next": ["closed", "in_progress"],
    }
    assert event.meta == {"from_version": "v1.0", "to_version": "v1.1"}
