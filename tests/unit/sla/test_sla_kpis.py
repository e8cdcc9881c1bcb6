"""KPIs of one request: what its promise came to, and how long things took."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_requests import HOUR, OFFICE, held, promised, run

from cst_sla.domain.kpis import kpis_of, resolution_minutes, state_of
from cst_testkit.factories import CREATED_AT, request_state

hours = st.integers(1, 10_000).map(lambda tenths: tenths / 10)


@pytest.mark.parametrize(
    ("now", "resolved", "state", "reason"),
    [
        (17, None, "on_track", None),
        (18, None, "at_risk", None),
        (24, None, "overdue", None),
        (48, None, "breached", "open past the target"),
        (99, 23.9, "met", None),
        (99, 24, "met", None),
        (99, 24.1, "missed", "resolved after the target"),
        (99, 50, "missed", "resolved after the target"),
    ],
)
def test_the_state_of_a_promise(
    now: float, resolved: float | None, state: str, reason: str | None
) -> None:
    document, _ = run(promised(resolved=resolved), CREATED_AT + now * HOUR)
    kpis = kpis_of(document)
    assert (kpis["sla_state"], kpis["breach_reason"]) == (state, reason)
    assert kpis["sla_target_hours"] == 24
    assert kpis["resolution_minutes"] == (None if resolved is None else resolved * 60)


def test_nothing_promised_and_duplicates_have_no_state() -> None:
    assert state_of(request_state()) == "none"
    duplicate, _ = run(promised(), CREATED_AT + 99 * HOUR)
    duplicate["duplicates"] = duplicate["duplicates"] | {"is_master": False}
    kpis = kpis_of(duplicate)
    assert (kpis["sla_state"], kpis["breach_reason"]) == ("none", None)


def test_what_was_closed_without_work_is_met_and_took_no_time() -> None:
    state = promised()
    state["timestamps"]["closed_at"] = CREATED_AT + HOUR
    kpis = kpis_of(state)
    assert (kpis["sla_state"], kpis["resolution_minutes"]) == ("met", None)
    assert kpis["net_resolution_minutes"] is kpis["business_minutes"] is None


def test_a_promise_that_was_put_off_does_not_undo_its_breach() -> None:
    broken, _ = run(promised(), CREATED_AT + 48 * HOUR)
    longer = promised(target_hours=100, breach_threshold_hours=100)
    assert state_of(longer | {"sla_fired": broken["sla_fired"]}) == "breached"
    done = promised(target_hours=100, breach_threshold_hours=100, resolved=50)
    assert state_of(done | {"sla_fired": broken["sla_fired"]}) == "missed"


@given(hours, st.integers(0, 10**8))
def test_net_time_is_gross_time_without_what_the_clock_stood_still(
    resolved: float, held_seconds: int
) -> None:
    state = promised(resolved=resolved)
    state["workflow"]["held_seconds"] = held_seconds
    kpis = kpis_of(state)
    gross, net = kpis["resolution_minutes"], kpis["net_resolution_minutes"]
    assert net == max(0, gross - held_seconds / 60)


@pytest.mark.parametrize(
    ("terms", "minutes"),
    [
        # Monday 10:00 to Thursday 10:00 in New York, without Tuesday 10:00 to Wednesday 10:00.
        ({}, 2 * 24 * 60),
        ({"calendar": "office", "calendar_terms": OFFICE}, 2 * 510),
    ],
    ids=["24x7", "office"],
)
def test_business_time_is_that_of_the_promise_without_pauses(
    terms: dict[str, Any], minutes: float
) -> None:
    document = promised(resolved=72, **terms)
    begin = CREATED_AT + timedelta(days=1)
    kpis = kpis_of(held(document, begin, begin + timedelta(days=1)))
    assert kpis["business_minutes"] == minutes
    assert (kpis["resolution_minutes"], kpis["net_resolution_minutes"]) == (72 * 60, 48 * 60)


def test_the_first_answer_and_escalations_are_counted() -> None:
    answered = promised() | {"escalations": 3, "first_response_at": CREATED_AT + HOUR / 2}
    kpis = kpis_of(answered)
    assert (kpis["escalation_count"], kpis["first_response_minutes"]) == (3, 30)
    assert kpis_of(promised())["first_response_minutes"] is None


def test_what_ended_before_it_began_took_no_time() -> None:
    assert resolution_minutes(promised(resolved=-0.01)) == 0
