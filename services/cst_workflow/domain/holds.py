"""Holds: work waits for something outside, and the clock stands still meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from cst_contracts.enums import OPEN_STATUSES
from cst_contracts.workflow import HoldCommand
from cst_core.errors import Conflict, Forbidden, InvalidInput
from cst_ledger.events import By, Document, NewEvent
from cst_ledger.rules import RuleSet
from cst_rules import paused

#: Who ends a hold that has run out.
HOLDS = By("system", "holds")
_P1_ROLES = frozenset({"supervisor", "admin"})


def check_holdable(document: Document, roles: Collection[str]) -> None:
    """Check that a request may be held.

    Raises:
        Conflict: it is not open, held already, or a duplicate.
        Forbidden: it is a P1, and the caller is no supervisor.
    """
    request_id, status = document["request_id"], document["status"]
    master = document["duplicates"]["master_request_id"]
    if master is not None:
        raise Conflict(
            f"{request_id} is a duplicate of {master}, whose clock counts: hold that one",
            master_request_id=master,
        )
    if status not in OPEN_STATUSES:
        raise Conflict(
            f"{request_id} is {status}; only open requests are held", current_state=status
        )
    hold = document["workflow"]["hold"]
    if hold is not None:
        raise Conflict(
            f"{request_id} is held already ({hold['reason']}) until {hold['until'].isoformat()}",
            hold_reason=hold["reason"],
        )
    if document["priority"] == "P1" and _P1_ROLES.isdisjoint(roles):
        raise Forbidden("only supervisors and admins hold a P1")


def held(command: HoldCommand, rules: RuleSet, by: By, now: datetime) -> NewEvent:
    """Return the event of a hold.

    Raises:
        InvalidInput: the reason is not one of the rules', or the end is past or too far away.
    """
    if command.reason not in rules.hold_reasons:
        raise InvalidInput.field(
            "reason",
            f"is no reason to hold under rules {rules.version}",
            command.reason,
            rules.hold_reasons,
        )
    latest = now + timedelta(days=rules.max_hold_days)
    if not now < command.until <= latest:
        raise InvalidInput.field(
            "until",
            f"must be in the future, {rules.max_hold_days} days at most",
            command.until.isoformat(),
            [f"after {now.isoformat()}", f"by {latest.isoformat()}"],
        )
    hold = {"reason": command.reason, "since": now, "until": command.until}
    return NewEvent(
        "held",
        by,
        changes={"workflow.hold": hold},
        meta={"reason": command.reason, "until": command.until},
        message=command.note,
        at=now,
    )


def resumed(document: Document, by: By, note: str | None, now: datetime) -> NewEvent:
    """Return the event that ends a hold: the promise is put off by as long as it lasted.

    A hold that has run out lasted until its end, however late that is noticed.

    Raises:
        Conflict: the request is not held.
    """
    hold = document["workflow"]["hold"]
    if hold is None:
        raise Conflict(f"{document['request_id']} is not held")
    expired = hold["until"] <= now
    end = hold["until"] if expired else now
    seconds = max(0, int((end - hold["since"]).total_seconds()))
    changes: dict[str, Any] = {
        "workflow.hold": None,
        **paused(document, hold["since"], end),
    }
    meta = {"reason": hold["reason"], "held_seconds": seconds, "expired": expired}
    return NewEvent("resumed", by, changes=changes, meta=meta, message=note, at=end)


def has_run_out(document: Document, now: datetime) -> bool:
    """Tell whether the request is held, and its hold is over by now."""
    hold = document["workflow"]["hold"]
    return hold is not None and bool(hold["until"] <= now)
