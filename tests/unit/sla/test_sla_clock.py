"""A promise's clock: when it runs out, when it stops, and what it then says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cst_sla.domain.clock import breach, clock_of, kpis_of, resolution_minutes, state_of
from cst_testkit.factories import CREATED_AT, request_state

HOUR = timedelta(hours=1)
hours = st.floats(0.1, 10_000)


def promised(target: float = 24, threshold: float = 48, resolved: float | None = None) -> Any:
    """Return a request promised within ``target`` hours; ``resolved`` hours after creation."""
    state = request_state(due_at=CREATED_AT + target * HOUR)
    state["sla_policy"] = {
        "policy_id": "p",
        "target_hours": target,
        "breach_threshold_hours": threshold,
    }
    if resolved is not None:
        state["timestamps"]["resolved_at"] = CREATED_AT + resolved * HOUR
    return state


@given(hours, hours, st.none() | hours)
def test_a_breach_is_due_unless_the_work_was_done_by_then(
    target: float, slack: float, resolved: float | None
) -> None:
    clock = clock_of(promised(target, target + slack, resolved))
    assert clock is not None
    assert abs(clock["breach_at"] - (CREATED_AT + (target + slack) * HOUR)) < timedelta(seconds=1)
    kept = resolved is not None and CREATED_AT + resolved * HOUR <= clock["breach_at"]
    assert clock["next_due_at"] == (None if kept else clock["breach_at"])


def test_nothing_promised_means_no_clock() -> None:
    assert clock_of(request_state()) is None
    assert state_of(request_state(), breached=False) == "none"


@pytest.mark.parametrize(
    ("resolved", "breached", "state", "reason"),
    [
        (None, False, "on_track", None),
        (None, True, "breached", "open past the target"),
        (23.9, False, "met", None),
        (24, False, "met", None),
        (24.1, False, "missed", "resolved after the target"),
        (50, True, "missed", "resolved after the target"),
    ],
)
def test_the_state_of_a_promise(
    resolved: float | None, breached: bool, state: str, reason: str | None
) -> None:
    kpis = kpis_of(promised(resolved=resolved), breached=breached)["computed_kpis"]
    assert (kpis["sla_state"], kpis["breach_reason"]) == (state, reason)
    assert kpis["sla_target_hours"] == 24
    assert kpis["resolution_minutes"] == (None if resolved is None else resolved * 60)


@pytest.mark.parametrize(("held_after", "due"), [(47, None), (48, None), (49, 48)])
def test_no_breach_falls_due_while_the_request_is_held(held_after: float, due: int | None) -> None:
    """What was breached before the hold, and not declared yet, still is."""
    state, since = promised(), CREATED_AT + held_after * HOUR
    state["workflow"]["hold"] = {"reason": "weather", "since": since, "until": since + HOUR}
    clock = clock_of(state)
    assert clock is not None
    assert clock["next_due_at"] == (None if due is None else CREATED_AT + due * HOUR)
    assert clock["stopped_at"] is None


def test_a_duplicate_has_no_clock_and_no_promise_of_its_own() -> None:
    state = promised(resolved=50)
    state["duplicates"]["is_master"] = False
    assert clock_of(state) is None
    kpis = kpis_of(state, breached=True)["computed_kpis"]
    assert (kpis["sla_state"], kpis["breach_reason"]) == ("none", None)


def test_what_was_closed_without_work_stops_its_clock_then() -> None:
    state = promised()
    state["timestamps"]["closed_at"] = CREATED_AT + HOUR
    clock = clock_of(state)
    assert clock is not None
    assert (clock["stopped_at"], clock["next_due_at"]) == (CREATED_AT + HOUR, None)
    kpis = kpis_of(state, breached=False)["computed_kpis"]
    assert (kpis["sla_state"], kpis["resolution_minutes"]) == ("met", None)
    assert kpis["net_resolution_minutes"] is None


def test_a_promise_that_was_put_off_does_not_undo_its_breach() -> None:
    assert state_of(promised(target=100, resolved=50), breached=True) == "missed"


@given(hours, st.integers(0, 10**8))
def test_net_time_is_gross_time_without_what_the_clock_stood_still(
    resolved: float, held_seconds: int
) -> None:
    state = promised(resolved=resolved)
    state["workflow"]["held_seconds"] = held_seconds
    kpis = kpis_of(state, breached=False)["computed_kpis"]
    gross, net = kpis["resolution_minutes"], kpis["net_resolution_minutes"]
    assert net == max(0, gross - held_seconds / 60)


def test_escalations_are_counted() -> None:
    kpis = kpis_of(promised() | {"escalations": 3}, breached=False)["computed_kpis"]
    assert kpis["escalation_count"] == 3


def test_what_ended_before_it_began_took_no_time() -> None:
    assert resolution_minutes(promised(resolved=-0.01)) == 0


def test_a_breach_happened_when_it_was_due_however_late_it_is_written() -> None:
    event = breach(promised(), CREATED_AT + 48 * HOUR)
    assert event.at == event.meta["breached_at"] == CREATED_AT + 48 * HOUR
    assert event.changes == {}
