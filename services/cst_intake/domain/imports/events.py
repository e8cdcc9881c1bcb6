"""From a request's past to the one event that brings it into the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_drafts import blank_state, workflow_state
from cst_intake.domain.imports.history import History
from cst_ledger.events import By, NewEvent
from cst_ledger.rules import RuleSet

IMPORT = By("system", "import")
#: ``policy_id`` of a promise that the other system made.
IMPORTED_POLICY = "imported"


def imported_event(history: History, rules: RuleSet) -> NewEvent:
    """Return the ``imported`` event of a request; steps that nobody knows of stay null.

    It happened when its state was reached: at the closing, or at the creation of an open one.
    """
    status = "new" if history.closed_at is None else "closed"
    blank = blank_state(history.created_at)
    ended = {"resolved_at": history.closed_at, "closed_at": history.closed_at}
    state = blank | {
        "citizen_ref": {"citizen_id": None, "anonymous": True, "contact_channel": "none"},
        "category": history.category.code,
        "status": status,
        "priority": history.category.priority,
        "workflow": workflow_state(status, rules.allowed_next(status), rules.version),
        "sla_policy": _promise(history),
        "due_at": history.due_at,
        "timestamps": blank["timestamps"] | ended,
        "location": history.location,
        "public": history.category.public,
        "historic": True,
        "source": {
            "system": history.system,
            "id": history.source_id,
            "department": history.department,
        },
        "channel": history.channel,
    }
    return NewEvent(
        "imported",
        IMPORT,
        changes=state,
        meta={
            "source_system": history.system,
            "source_id": history.source_id,
            "flags": _flags(history),
        },
        message=history.description,
        address_hint=history.address,
        at=_latest(history.created_at, history.closed_at),
    )


def _promise(history: History) -> dict[str, Any] | None:
    """The policy's terms, as if it had been chosen at creation; None where nothing was promised."""
    if history.due_at is None:
        return None
    hours = max(0.0, (history.due_at - history.created_at).total_seconds() / 3600)
    return {
        "policy_id": IMPORTED_POLICY,
        "target_hours": hours,
        "breach_threshold_hours": hours,
        "escalation_steps": [],
        "warn_hours": None,
        "acknowledge_hours": None,
        "repeat_hours": None,
        "calendar": "24x7",
        "calendar_terms": None,
        "version": None,
        "priority": history.category.priority,
    }


def _flags(history: History) -> list[str]:
    flags = {
        "closed_before_opened": history.closed_at,
        "due_before_opened": history.due_at,
    }
    return [flag for flag, at in flags.items() if at is not None and at < history.created_at]


def _latest(created_at: datetime, closed_at: datetime | None) -> datetime:
    return created_at if closed_at is None else max(created_at, closed_at)
