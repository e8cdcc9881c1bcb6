"""A request's clock and KPIs, as they follow from the request itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cst_ledger.events import By, Document, NewEvent

SLA = By("system", "sla")
#: ``sla_state`` of a request that nothing was promised for, and of a duplicate.
NO_PROMISE = "none"


def ended_at(document: Document) -> datetime | None:
    """Return when the work ended: resolved, or closed without work; None while it is open."""
    times = document["timestamps"]
    ended: datetime | None = times["resolved_at"] or times["closed_at"]
    return ended


def clock_of(document: Document, breached_at: datetime | None = None) -> dict[str, Any] | None:
    """Return the clock of a request; None for a duplicate and where nothing was promised.

    ``next_due_at`` is null where no breach can come any more, or as long as the request is held:
    what ended (or was held) after its breach still has one to declare, what was declared (at
    ``breached_at``) does not fall due again.
    """
    policy, due_at = document["sla_policy"], document["due_at"]
    if policy is None or not document["duplicates"]["is_master"]:
        return None
    stopped_at = ended_at(document)
    hold = document["workflow"]["hold"]
    stands_since = stopped_at or (hold["since"] if hold is not None else None)
    slack = policy["breach_threshold_hours"] - policy["target_hours"]
    breach_at = due_at + timedelta(hours=slack)
    kept = stands_since is not None and stands_since <= breach_at
    return {
        "policy_id": policy["policy_id"],
        "target_hours": policy["target_hours"],
        "started_at": document["timestamps"]["created_at"],
        "due_at": due_at,
        "breach_at": breach_at,
        "stopped_at": stopped_at,
        "next_due_at": None if kept or breached_at is not None else breach_at,
        "historic": document["historic"],
    }


def resolution_minutes(document: Document) -> float | None:
    """Return the minutes from creation to resolution, null while open or closed without work.

    Imported requests that end before they begin count as 0 (their event carries a flag).
    """
    times = document["timestamps"]
    if times["resolved_at"] is None:
        return None
    span: timedelta = times["resolved_at"] - times["created_at"]
    return max(0.0, span.total_seconds() / 60)


def net_resolution_minutes(document: Document) -> float | None:
    """Return ``resolution_minutes`` without the time for which the clock stood still."""
    gross = resolution_minutes(document)
    if gross is None:
        return None
    held_seconds: int = document["workflow"]["held_seconds"]
    return max(0.0, gross - held_seconds / 60)


def state_of(document: Document, *, breached: bool) -> str:
    """Return ``sla_state``: ``met`` or ``missed`` once ended, else whether it was breached.

    A breach stays one, even where the promise was put off afterwards.
    """
    if document["sla_policy"] is None or not document["duplicates"]["is_master"]:
        return NO_PROMISE
    ended = ended_at(document)
    if ended is not None:
        return "met" if ended <= document["due_at"] and not breached else "missed"
    return "breached" if breached else "on_track"


def kpis_of(document: Document, *, breached: bool) -> dict[str, Any]:
    """Return the request's ``computed_kpis`` by dotted path."""
    state = state_of(document, breached=breached)
    policy = document["sla_policy"]
    reasons = {"missed": "resolved after the target", "breached": "open past the target"}
    return {
        "computed_kpis": {
            "resolution_minutes": resolution_minutes(document),
            "net_resolution_minutes": net_resolution_minutes(document),
            "sla_target_hours": policy["target_hours"] if policy else None,
            "sla_state": state,
            "escalation_count": document["escalations"],
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
