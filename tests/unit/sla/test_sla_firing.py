"""What a step does when it falls due: its events, with the time when it was due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sla_requests import HOUR, promised, run

from cst_contracts.events import EVENTS
from cst_escalation import Asked, Escalation, action_names, actions, escalate, register
from cst_ledger.events import By, NewEvent
from cst_ledger.ownership import check_ownership
from cst_rules import actions as names
from cst_sla.domain.clock import steps_of
from cst_sla.domain.firing import fire
from cst_testkit.factories import CREATED_AT


def test_every_step_happened_when_it_was_due_and_is_noted() -> None:
    declared = [{"after_hours": hours + 1, "action": a} for hours, a in enumerate(action_names())]
    document = promised(escalation_steps=declared, acknowledge_hours=2)
    for step in steps_of(document):
        escalation = fire(document, step)
        assert {event.at for event in escalation.events} == {step.at}
        first = escalation.events[0]
        assert first.changes["sla_fired"] == [{"step": step.key, "due_at": step.at}]
        for event in escalation.events:
            assert "sla" in EVENTS[event.type].producers
            check_ownership(event.type, event.changes)


def test_a_raised_priority_is_raised_from_where_it_stands() -> None:
    steps = [{"after_hours": hours, "action": "raise_priority"} for hours in (1, 2, 3, 4)]
    document, fired = run(promised(escalation_steps=steps), CREATED_AT + 5 * HOUR)
    assert (document["priority"], document["escalations"], len(fired)) == ("P1", 4, 4)
    assert document["due_at"] == CREATED_AT + 24 * HOUR


def test_a_step_says_in_its_notice_which_hours_are_used_up() -> None:
    document = promised(escalation_steps=[{"after_hours": 1.5, "action": "notify:supervisor"}])
    (notice,) = fire(document, steps_of(document)[0]).notices
    assert notice.reason == "notify:supervisor: 1.5 hours of pothole are used up"


def test_the_breach_says_when_however_late_it_is_written() -> None:
    breach = steps_of(promised())[-1]
    (event,) = fire(promised(), breach).events
    assert event.at == event.meta["breached_at"] == CREATED_AT + timedelta(hours=48)
    assert event.type == "sla_breached"


def test_an_action_can_be_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_names", list(action_names()))
    monkeypatch.setattr(actions, "_ACTS", dict(actions._ACTS))

    def page(asked: Asked) -> Escalation:
        return Escalation([NewEvent("comment", asked.by, meta={"comment_id": "c"})])

    register("page_mayor", page)
    assert "page_mayor" in action_names()
    found = escalate(promised(), "page_mayor", By("system", "sla"), after_hours=3)
    assert [event.type for event in found.events] == ["escalated", "comment"]
    with pytest.raises(ValueError, match="already"):
        register("page_mayor", page)
