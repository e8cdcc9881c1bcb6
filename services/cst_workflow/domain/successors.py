"""What a successor takes over from the request before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_drafts import blank_state, workflow_state
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.rules import RuleSet
from cst_rules import paused

CHANNEL = "successor"
#: What the successor has in common with the request before it.
_SAME = (
    "citizen_ref",
    "category",
    "sub_category",
    "tags",
    "priority",
    "sla_policy",
    "public",
    "danger",
)


def stopped_at(document: Document, now: datetime) -> datetime:
    """Return when the clock of a request stopped; ``now`` where it still runs."""
    times, duplicates = document["timestamps"], document["duplicates"]
    linked_at = None if duplicates["is_master"] else duplicates.get("linked_at")
    ends = (times["resolved_at"], times["closed_at"], linked_at)
    return min((at for at in ends if at is not None), default=now)


def first_event(document: Document, rules: RuleSet, by: By, now: datetime) -> NewEvent:
    """Return the ``created`` event of the successor of ``document``.

    Reporter, words, place, creation and priority are the old one's; so is the promise, put off by
    the time for which nobody was at work.
    """
    times, stopped = document["timestamps"], stopped_at(document, now)
    location = {k: v for k, v in document["location"].items() if k != "address_hint"}
    idle = paused(document, stopped, now)
    steps = workflow_state("new", rules.allowed_next("new"), rules.version)
    state = blank_state(times["created_at"]) | {name: document[name] for name in _SAME}
    state |= {
        "workflow": steps | {name: idle[f"workflow.{name}"] for name in ("held_seconds", "pauses")},
        "due_at": idle["due_at"],
        "location": location,
        "channel": CHANNEL,
        "successor_of": document["request_id"],
    }
    return NewEvent(
        "created",
        by,
        changes=state,
        meta=_meta(document),
        message=document["description"],
        address_hint=document["location"]["address_hint"],
        at=now,
    )


def _meta(document: Document) -> dict[str, Any]:
    danger = document["danger"]
    return {
        "channel": CHANNEL,
        "priority_reason": f"successor of {document['request_id']}",
        "dangerous": danger is not None and danger["state"] != "lowered",
        "successor_of": document["request_id"],
    }


def succeeded(document: Document, successor: str, by: By, reason: str | None) -> NewEvent:
    """Return the event by which the old request names its successor."""
    changes: dict[str, Any] = {"succeeded_by": successor}
    if document.get("dispute") is not None:
        changes["dispute"] = None
    return NewEvent(
        "succeeded", by, changes=changes, meta={"succeeded_by": successor}, message=reason
    )
