"""Withdrawal: when a reporter's word ends a request, and by which steps."""

from __future__ import annotations

from cst_contracts.enums import OPEN_STATUSES
from cst_core.errors import Conflict
from cst_ledger.events import By, Document, NewEvent
from cst_workflow.domain.danger import is_dangerous
from cst_workflow.domain.walks import walk_to_resolved

#: Outcome of what was withdrawn; also the rule that takes it there.
CODE = "withdrawn"
WITHDRAWAL = By("system", "withdrawal")
#: ``kind`` of the notice to whom decides, and their role.
KIND = "withdrawal"
ROLE = "dispatcher"
#: The note of a reporter who says no more.
NO_REASON = "Withdrawn by its reporter"


def check_withdrawable(document: Document) -> None:
    """Raise ``Conflict`` where there is nothing to withdraw, or it is too dangerous to."""
    request_id, status = document["request_id"], document["status"]
    if status not in OPEN_STATUSES:
        raise Conflict(f"{request_id} is {status} already", current_state=status)
    if is_dangerous(document) and document["priority"] == "P1":
        raise Conflict(f"{request_id} tells of a danger: the city looks after it in any case")


def must_ask(document: Document) -> bool:
    """Tell whether a dispatcher decides: work is under way or on hold, or others wait for it."""
    return (
        document["status"] not in ("new", "triaged")
        or document["workflow"]["hold"] is not None
        or bool(document["duplicates"]["linked_duplicates"])
        or document["supporters"] > 0
    )


def closed(by: By, reason: str | None) -> NewEvent:
    """Return the event that closes it at once, where the rules can."""
    return NewEvent(
        "closed",
        by,
        changes={"status": "closed", "resolution_code": CODE},
        meta={"resolution_code": CODE, "rule": CODE},
        message=reason or NO_REASON,
    )


def walked(document: Document, team: Document, by: By, reason: str | None) -> list[NewEvent]:
    """Return the steps that end it under strict rules; the last one is its reporter's word."""
    return walk_to_resolved(
        document["status"],
        team,
        WITHDRAWAL,
        rule=CODE,
        resolution_code=CODE,
        note=reason or NO_REASON,
        resolved_by=by,
    )


def asked(by: By, reason: str | None) -> NewEvent:
    """Return the event of a withdrawal that a dispatcher decides.

    It is none of the escalations that are counted: nobody wants more of the city, but less.
    """
    meta = {"action": f"notify:{ROLE}"}
    return NewEvent("escalated", by, meta=meta, message=reason or NO_REASON)
