"""Valid documents for tests; each keyword argument overrides one top-level field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cst_ledger.events import By, NewEvent

CREATED_AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
SYSTEM = By("system", "test")


def request_state(**overrides: Any) -> dict[str, Any]:
    """Return what a ``created`` event says of a new pothole in Manhattan, without its text."""
    state: dict[str, Any] = {
        "citizen_ref": {"citizen_id": None, "anonymous": True, "contact_channel": "none"},
        "category": "pothole",
        "sub_category": None,
        "tags": [],
        "status": "new",
        "priority": "P3",
        "workflow": {
            "current_state": "new",
            "allowed_next": ["triaged"],
            "transition_rules_version": "v1.0",
            "hold": None,
            "held_seconds": 0,
            "pauses": [],
        },
        "sla_policy": None,
        "due_at": None,
        "resolution_code": None,
        "timestamps": {
            "created_at": CREATED_AT,
            "triaged_at": None,
            "assigned_at": None,
            "in_progress_at": None,
            "resolved_at": None,
            "closed_at": None,
            "updated_at": CREATED_AT,
        },
        "location": {
            "type": "Point",
            "coordinates": [-74.0, 40.71],
            "zone_id": "MN01",
            "h3": "8a2a1072b59ffff",
            "located": True,
            "snapped": False,
        },
        "duplicates": {
            "is_master": True,
            "master_request_id": None,
            "linked_duplicates": [],
            "linked_at": None,
        },
        "assignment": {
            "assigned_agent_id": None,
            "auto_assign_candidate_agents": [],
            "assignment_policy": "zone+skill+workload",
            "past_agent_ids": [],
            "since": None,
            "not_accepted": 0,
        },
        "evidence": [],
        "internal": {"notes": [], "visibility": "internal_only"},
        "public": "exact",
        "historic": False,
        "source": None,
        "danger": None,
        "dispute": None,
        "escalations": 0,
        "sla_fired": [],
        "first_response_at": None,
        "reopened": 0,
        "rating": None,
        "supporters": 0,
        "text_public": False,
        "successor_of": None,
        "succeeded_by": None,
    }
    return state | overrides


def policy_terms(**overrides: Any) -> dict[str, Any]:
    """Return what a request keeps of a policy: 24 hours of the clock, and 24 of slack."""
    terms: dict[str, Any] = {
        "policy_id": "pothole",
        "target_hours": 24,
        "breach_threshold_hours": 48,
        "warn_hours": None,
        "acknowledge_hours": None,
        "repeat_hours": None,
        "calendar": "24x7",
        "calendar_terms": None,
        "escalation_steps": [],
        "version": 1,
        "priority": "P3",
    }
    return terms | overrides


def created_event(*, message: str = "A large pothole", **overrides: Any) -> NewEvent:
    """Return a ``created`` event of ``request_state(**overrides)``."""
    return NewEvent(
        "created",
        SYSTEM,
        changes=request_state(**overrides),
        meta={"channel": "test", "priority_reason": "category pothole", "dangerous": False},
        message=message,
        address_hint="Main St",
        at=CREATED_AT,
    )
