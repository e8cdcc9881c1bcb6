"""Undoing a merge: the clock goes on with the time it had, and the work gets a holder again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_ledger.events import By, Document, NewEvent
from cst_rules import paused

#: ``assignment_policy`` of work that went to the department's team.
TEAM = "team"


def ended_at(document: Document) -> datetime | None:
    """Return when a request's clock stopped for good; None while its work is open."""
    times = document["timestamps"]
    ended: datetime | None = times["resolved_at"] or times["closed_at"]
    return ended


def unlinked(
    duplicate: Document, holder: Document | None, by: By, reason: str, now: datetime
) -> NewEvent:
    """Return the event that makes a duplicate its own master again.

    Args:
        duplicate: as it stands.
        holder: who takes the work over; None where nobody has to.
        by: who undoes the merge, and ``reason``, why.
        now: until when its clock stood still, unless it ended before.
    """
    linked = duplicate["duplicates"]
    since = linked["linked_at"]
    until = ended_at(duplicate) or now
    changes: dict[str, Any] = {
        "duplicates": {
            "is_master": True,
            "master_request_id": None,
            "linked_duplicates": [],
            "linked_at": None,
        },
        **paused(duplicate, since, until),
    }
    if holder is not None and holder["_id"] != duplicate["assignment"]["assigned_agent_id"]:
        changes["assignment.assigned_agent_id"] = holder["_id"]
        changes["assignment.assignment_policy"] = TEAM
    meta = {"role": "duplicate", "other_request_id": linked["master_request_id"]}
    return NewEvent("duplicate_unlinked", by, changes=changes, meta=meta, message=reason)


def reopened(duplicate: Document, by: By, reason: str, now: datetime) -> NewEvent:
    """Return the event that takes up work again which was thought done with the master's.

    The clock stood still from the link on, also after the work was thought done.
    """
    since = duplicate["duplicates"]["linked_at"]
    return NewEvent(
        "in_progress",
        by,
        changes={
            "status": "in_progress",
            **paused(duplicate, since, now),
        },
        meta={"reopened": True},
        message=reason,
    )


def let_go(master: Document, duplicate_id: str, by: By, reason: str) -> NewEvent:
    """Return the event that takes a duplicate off its master's list."""
    kept = [other for other in master["duplicates"]["linked_duplicates"] if other != duplicate_id]
    return NewEvent(
        "duplicate_unlinked",
        by,
        changes={"duplicates.linked_duplicates": kept},
        meta={"role": "master", "other_request_id": duplicate_id},
        message=reason,
    )
