"""When a request may be rated, and when the rating opens a dispute."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cst_contracts.ratings import RatingCommand
from cst_core.errors import Conflict
from cst_ledger.events import By, Document, NewEvent

#: Statuses in which the work is done, as far as the city is concerned.
RATED_IN = ("resolved", "closed")


def check_ratable(document: Document, feedback: dict[str, Any] | None) -> None:
    """Raise ``Conflict`` unless the work is done and was not rated before."""
    request_id = document["request_id"]
    if feedback is not None:
        raise Conflict(f"{request_id} was rated before, and a request is rated once")
    if document["status"] not in RATED_IN:
        raise Conflict(
            f"{request_id} is {document['status']}: it can be rated once it is "
            f"{' or '.join(RATED_IN)}",
            current_state=document["status"],
            allowed=list(RATED_IN),
        )


def check_disputable(document: Document, dispute_days: int, now: datetime) -> None:
    """Raise ``Conflict`` where the time to dispute has run out."""
    times = document["timestamps"]
    done_at = times["resolved_at"] or times["closed_at"]
    until = done_at + timedelta(days=dispute_days)
    if now > until:
        raise Conflict(
            f"{document['request_id']} could be disputed until {until.isoformat()}; without "
            "dispute_flag it can still be rated",
            disputable_until=until.isoformat(),
        )


def rated(command: RatingCommand, by: By, at: datetime) -> NewEvent:
    """Return the event of a rating; its comment is text."""
    meta = {
        "rating": command.rating,
        "reason_codes": list(command.reason_codes),
        "dispute_flag": command.dispute_flag,
    }
    changes = {"rating": command.rating}
    return NewEvent("rated", by, changes=changes, meta=meta, message=command.comment, at=at)


def disputed(document: Document, command: RatingCommand, by: By, at: datetime) -> list[NewEvent]:
    """Return the event by which a request is disputed.

    None where it is disputed already, or where a master is being worked on again: then what the
    citizen asks for is under way.
    """
    if document["dispute"] is not None or document["status"] not in RATED_IN:
        return []
    codes = list(command.reason_codes)
    changes = {"dispute": {"at": at, "reason_codes": codes}}
    return [NewEvent("disputed", by, changes=changes, meta={"reason_codes": codes}, at=at)]


def feedback_of(command: RatingCommand, at: datetime) -> dict[str, Any]:
    """Return ``citizen_feedback`` of the performance log."""
    return {
        "rating": command.rating,
        "reason_codes": list(command.reason_codes),
        "comment": command.comment,
        "dispute_flag": command.dispute_flag,
        "submitted_at": at,
    }
