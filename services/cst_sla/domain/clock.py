"""A request's clock and KPIs, as they follow from the request itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cst_ledger.events import By, Document, NewEvent

SLA = By("system", "sla")
#: ``sla_state`` of a request that nothing was promised for.
NO_PROMISE = "none"


def clock_of(document: Document, breached_at: datetime | None = None) -> dict[str, Any] | None:
    """Return the clock of a request, or None where nothing was promised.

    ``next_due_at`` is null where no breach can come any more: what was resolved after its breach
    still has one to declare, what was declared (at ``breached_at``) does not fall due again.
    """
    policy, due_at = document["sla_policy"], document["due_at"]
    if policy is None:
        return None
    resolved_at = document["timestamps"]["resolved_at"]
    slack = policy["breach_threshold_hours"] - policy["target_hours"]
    breach_at = due_at + timedelta(hours=slack)
    kept = resolved_at is not None and resolved_at <= breach_at
    return {
        "policy_id": policy["policy_id"],
        "target_hours": policy["target_hours"],
        "started_at": document["timestamps"]["created_at"],
        "due_at": due_at,
        "breach_at": breach_at,
        "stopped_at": resolved_at,
        "next_due_at": None if kept or breached_at is not None else breach_at,
        "historic": document["historic"],
    }


def resolution_minutes(document: Document) -> float | None:
    """Return the minutes from creation to resolution, null while open.

    Imported requests that end before they begin count as 0 (their event carries a flag).
    """
    times = document["timestamps"]
    if times["resolved_at"] is None:
        return None
    span: timedelta = times["resolved_at"] - times["created_at"]
    return max(0.0, span.total_seconds() / 60)


def state_of(document: Document, *, breached: bool) -> str:
    """Return ``sla_state``: ``met`` or ``missed`` once resolved, else whether it was breached."""
    resolved_at: datetime | None = document["timestamps"]["resolved_at"]
    if document["sla_policy"] is None:
        return NO_PROMISE
    if resolved_at is not None:
        return "met" if resolved_at <= document["due_at"] else "missed"
    return "breached" if breached else "on_track"


def kpis_of(document: Document, *, breached: bool) -> dict[str, Any]:
    """Return the request's ``computed_kpis`` by dotted path (escalations are counted elsewhere)."""
    state = state_of(document, breached=breached)
    policy = document["sla_policy"]
    reasons = {"missed": "resolved after the target", "breached": "open past the target"}
    return {
        "computed_kpis": {
            "resolution_minutes": resolution_minutes(document),
            "sla_target_hours": policy["target_hours"] if policy else None,
            "sla_state": state,
            "escalation_count": 0,
            "breach_reason": reasons.get(state),
        }
    }


def breach(document: Document, breach_at: datetime) -> NewEvent:
    """Return the event of a broken promise; it happened at ``breach_at``, written when it may."""
    policy = document["sla_policy"]
    meta = {
        "policy_id": policy["policy_id"],
        "target_hours": policy["target_hours"],
        "breached_at": breach_at,
    }
    return NewEvent("sla_breached", SLA, meta=meta, at=breach_at)
