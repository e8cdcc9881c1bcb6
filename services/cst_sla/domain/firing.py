"""What a step of the clock does to its request when it falls due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cst_escalation import Escalation, escalate
from cst_ledger.events import By, Document, NewEvent
from cst_sla.domain.clock import Step, StepKind

SLA = By("system", "sla")


def fire(document: Document, step: Step) -> Escalation:
    """Return the events and notices of a step that has fallen due, however long ago.

    Its events happened when it fell due, and note that it has fired.
    """
    noted = {"sla_fired": [*document["sla_fired"], {"step": step.key, "due_at": step.at}]}
    if step.action is not None:
        return _escalated(document, step, step.action, noted)
    name, meta = f"sla_{step.kind}", _META[step.kind](document, step)
    return Escalation([NewEvent(name, SLA, changes=noted, meta=meta, at=step.at)], [])


def _escalated(document: Document, step: Step, action: str, noted: Mapping[str, Any]) -> Escalation:
    escalation = escalate(document, action, SLA, after_hours=step.after_hours)
    first, *others = escalation.events
    events = [
        replace(first, changes={**first.changes, **noted}, at=step.at),
        *(replace(event, at=step.at) for event in others),
    ]
    return Escalation(events, escalation.notices)


def _policy_id(document: Document) -> str:
    policy_id: str = document["sla_policy"]["policy_id"]
    return policy_id


_META: Mapping[StepKind, Callable[[Document, Step], dict[str, Any]]] = {
    "response_missed": lambda document, step: {
        "policy_id": _policy_id(document),
        "acknowledge_hours": step.after_hours,
    },
    "at_risk": lambda document, step: {
        "policy_id": _policy_id(document),
        "after_hours": step.after_hours,
        "due_at": document["due_at"],
    },
    "overdue": lambda document, step: {
        "policy_id": _policy_id(document),
        "target_hours": step.after_hours,
    },
    "breached": lambda document, step: {
        "policy_id": _policy_id(document),
        "target_hours": document["sla_policy"]["target_hours"],
        "breached_at": step.at,
    },
}
