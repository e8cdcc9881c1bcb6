"""A promise's clock: its steps, when they fall due, when it stops, and what is left to fire."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_requests import HOUR, OFFICE, held, promised, run

from cst_escalation import action_names
from cst_sla.domain.clock import clock_of, ended_at, pending, steps_of
from cst_testkit.factories import CREATED_AT, request_state

hours = st.integers(1, 10_000).map(lambda tenths: tenths / 10)
STEPS = [
    {"after_hours": 8, "action": "notify:dispatcher"},
    {"after_hours": 16, "action": "raise_priority"},
    {"after_hours": 60, "action": "assign_supervisor"},
]


@given(hours, hours, st.none() | hours)
def test_a_breach_is_due_unless_the_work_was_done_by_then(
    target: float, slack: float, resolved: float | None
) -> None:
    document = promised(
        target_hours=target, breach_threshold_hours=target + slack, resolved=resolved
    )
    clock = clock_of(document)
    assert clock is not None
    assert abs(clock["breach_at"] - (CREATED_AT + (target + slack) * HOUR)) < timedelta(seconds=1)
    ended = ended_at(document)
    if ended is not None:
        kept = ended <= clock["breach_at"]
        assert clock["next_due_at"] == (None if kept else clock["breach_at"])


def test_nothing_promised_means_no_clock() -> None:
    assert clock_of(request_state()) is None
    assert pending(request_state()) == []


def test_the_steps_of_a_policy_come_in_the_order_of_their_hours() -> None:
    steps = steps_of(promised(escalation_steps=STEPS, acknowledge_hours=2, warn_hours=16))
    assert [(step.kind, step.after_hours, step.action) for step in steps] == [
        ("response_missed", 2, None),
        ("escalation", 8, "notify:dispatcher"),
        ("at_risk", 16, None),
        ("escalation", 16, "raise_priority"),
        ("overdue", 24, None),
        ("breached", 48, None),
        ("escalation", 60, "assign_supervisor"),
    ]
    assert [step.at for step in steps] == [CREATED_AT + step.after_hours * HOUR for step in steps]


def test_without_slack_overdue_and_breached_are_one() -> None:
    kinds = [step.kind for step in steps_of(promised(breach_threshold_hours=24))]
    assert kinds == ["at_risk", "breached"]


def test_of_imported_history_only_the_breach_is_told() -> None:
    steps = steps_of(promised(escalation_steps=STEPS, acknowledge_hours=2) | {"historic": True})
    assert [step.kind for step in steps] == ["breached"]


steps = st.lists(
    st.fixed_dictionaries({"after_hours": hours, "action": st.sampled_from(action_names())}),
    max_size=6,
    unique_by=lambda step: (step["after_hours"], step["action"]),
)


@given(
    steps,
    st.none() | st.integers(1, 24),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 300)), max_size=4),
    st.lists(hours, min_size=1, max_size=12).map(sorted),
)
def test_every_step_fires_once_in_order_whenever_somebody_looks(
    declared: list[dict[str, object]],
    acknowledge: int | None,
    pauses: list[tuple[int, int]],
    looks: list[float],
) -> None:
    document = promised(escalation_steps=declared, acknowledge_hours=acknowledge)
    for since, length in pauses:
        begin = CREATED_AT + timedelta(minutes=since)
        document = held(document, begin, begin + timedelta(minutes=length))
    wanted = [step.key for step in steps_of(document)]
    seen = []
    for look in [*looks, 20_000.0]:
        document, fired = run(document, CREATED_AT + look * HOUR)
        assert all(step.at <= CREATED_AT + look * HOUR for step in fired)
        seen += fired
    assert [step.key for step in seen] == wanted
    assert all(earlier.at <= later.at for earlier, later in pairwise(seen))
    clock = clock_of(document)
    assert clock is not None
    assert clock["next_due_at"] is None


@pytest.mark.parametrize("calendar", ["24x7", "office"])
def test_a_pause_puts_off_every_step_by_its_time_in_the_calendar(calendar: str) -> None:
    terms = OFFICE if calendar == "office" else None
    before = promised(calendar=calendar, calendar_terms=terms, escalation_steps=STEPS)
    # From Monday 10:00 on, before any step: for three business days.
    until = CREATED_AT + timedelta(days=3)
    after = held(before, CREATED_AT, until)
    put_off = {step.key: step.at for step in steps_of(after)}
    for step in steps_of(before):
        if calendar == "24x7":
            assert put_off[step.key] == step.at + timedelta(days=3)
        else:
            assert put_off[step.key] > step.at


@pytest.mark.parametrize(("held_after", "due"), [(17, 18), (18, None), (19, 18)])
def test_while_held_only_what_fell_due_before_is_left(held_after: float, due: int | None) -> None:
    """What was due before the hold, and not fired yet, still is."""
    state, since = promised(), CREATED_AT + held_after * HOUR
    state["workflow"]["hold"] = {"reason": "weather", "since": since, "until": since + HOUR}
    clock = clock_of(state)
    assert clock is not None
    expected = CREATED_AT + 18 * HOUR if held_after > 18 else None
    assert clock["next_due_at"] == expected
    assert clock["stopped_at"] is None


@pytest.mark.parametrize(("resolved", "left"), [(47, []), (48, []), (49, ["breached"])])
def test_after_the_end_nothing_is_left_but_a_breach(resolved: float, left: list[str]) -> None:
    document = promised(resolved=resolved, escalation_steps=STEPS, acknowledge_hours=1)
    assert [step.key for step in pending(document)] == left


def test_a_duplicate_has_no_clock() -> None:
    state = promised(resolved=50)
    state["duplicates"]["is_master"] = False
    assert clock_of(state) is None


def test_what_was_closed_without_work_stops_its_clock_then() -> None:
    state = promised()
    state["timestamps"]["closed_at"] = CREATED_AT + HOUR
    clock = clock_of(state)
    assert clock is not None
    assert (clock["stopped_at"], clock["next_due_at"]) == (CREATED_AT + HOUR, None)


@pytest.mark.parametrize(("answered", "missed"), [(None, True), (1.9, False), (2.1, True)])
def test_the_first_answer_is_missed_once_its_time_is_over(
    answered: float | None, missed: bool
) -> None:
    document = promised(acknowledge_hours=2)
    if answered is not None:
        document["first_response_at"] = CREATED_AT + answered * HOUR
    _, fired = run(document, CREATED_AT + 3 * HOUR)
    assert [step.kind for step in fired] == (["response_missed"] if missed else [])


def test_a_promise_of_other_hours_has_steps_of_its_own_and_breaks_once() -> None:
    first, fired = run(promised(), CREATED_AT + 100 * HOUR)
    assert [step.kind for step in fired] == ["at_risk", "overdue", "breached"]
    longer = promised(target_hours=200, breach_threshold_hours=300)
    second, fired = run(longer | {"sla_fired": first["sla_fired"]}, CREATED_AT + 400 * HOUR)
    assert [(step.kind, step.after_hours) for step in fired] == [("at_risk", 150), ("overdue", 200)]
    assert [step["step"] for step in second["sla_fired"]].count("breached") == 1
