"""A request's KPIs, as they follow from the request itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cst_calendar import calendar_of, used
from cst_ledger.events import Document
from cst_rules import pauses_of, warn_hours
from cst_sla.domain.clock import BREACHED, ended_at, fired, has_clock, step_key

#: ``sla_state`` of a request that nothing was promised for, and of a duplicate.
NO_PROMISE = "none"
_REASONS = {"missed": "resolved after the target", "breached": "open past the target"}


def _minutes(start: datetime, end: datetime | None) -> float | None:
    """Minutes between; what was imported ends before it begins here and there, and counts as 0."""
    return None if end is None else max(0.0, (end - start).total_seconds() / 60)


def resolution_minutes(document: Document) -> float | None:
    """Return the minutes from creation to resolution, null while open or closed without work."""
    times = document["timestamps"]
    return _minutes(times["created_at"], times["resolved_at"])


def net_resolution_minutes(document: Document) -> float | None:
    """Return ``resolution_minutes`` without the time for which the clock stood still."""
    gross = resolution_minutes(document)
    if gross is None:
        return None
    held_seconds: int = document["workflow"]["held_seconds"]
    return max(0.0, gross - held_seconds / 60)


def business_minutes(document: Document) -> float | None:
    """Return the minutes of the promise's calendar from creation to resolution, without pauses.

    Null while open, and where nothing was promised.
    """
    times, policy = document["timestamps"], document["sla_policy"]
    if times["resolved_at"] is None or policy is None:
        return None
    calendar = calendar_of(policy.get("calendar_terms"))
    span = used(calendar, times["created_at"], times["resolved_at"], pauses_of(document))
    return span / timedelta(minutes=1)


def first_response_minutes(document: Document) -> float | None:
    """Return the minutes until staff or an agent first did something; null where nobody did."""
    return _minutes(document["timestamps"]["created_at"], document["first_response_at"])


def state_of(document: Document) -> str:
    """Return ``sla_state``: ``met`` or ``missed`` once ended, else how far the clock has come.

    A breach stays one, even where the promise was put off afterwards; being at risk or overdue ends
    with the promise that was.
    """
    if not has_clock(document):
        return NO_PROMISE
    ended, done, policy = ended_at(document), fired(document), document["sla_policy"]
    if ended is not None:
        return "met" if ended <= document["due_at"] and BREACHED not in done else "missed"
    if BREACHED in done:
        return "breached"
    if step_key(policy, "overdue", policy["target_hours"]) in done:
        return "overdue"
    return "at_risk" if step_key(policy, "at_risk", warn_hours(policy)) in done else "on_track"


def kpis_of(document: Document) -> dict[str, Any]:
    """Return the request's ``computed_kpis``."""
    state, policy = state_of(document), document["sla_policy"]
    return {
        "resolution_minutes": resolution_minutes(document),
        "net_resolution_minutes": net_resolution_minutes(document),
        "business_minutes": business_minutes(document),
        "first_response_minutes": first_response_minutes(document),
        "sla_target_hours": policy["target_hours"] if policy else None,
        "sla_state": state,
        "escalation_count": document["escalations"],
        "breach_reason": _REASONS.get(state),
    }
