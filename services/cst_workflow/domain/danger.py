"""Danger: who must know of it, and what a supervisor makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cst_contracts.enums import OPEN_STATUSES
from cst_core.errors import Conflict
from cst_inbox import Notice
from cst_ledger.events import By, Document, NewEvent

#: ``kind`` of the notices about dangers, and whom they concern.
KIND = "danger"
ROLES = ("on_call", "supervisor")


def is_dangerous(document: Document) -> bool:
    """Tell whether a request is held dangerous, and no supervisor has said otherwise."""
    danger = document["danger"]
    return danger is not None and danger["state"] != "lowered"


def danger_notices(document: Document, seq: int) -> list[Notice]:
    """Return the notices of an open request's danger that event ``seq`` tells of.

    None where a supervisor has judged it already: then staff know.
    """
    danger = document["danger"]
    if danger is None or danger["state"] != "unconfirmed" or document["historic"]:
        return []
    if document["status"] not in OPEN_STATUSES:
        return []
    request_id = document["request_id"]
    return [Notice(request_id, KIND, role, danger["reason"], seq) for role in ROLES]


def check_judgeable(document: Document) -> None:
    """Raise ``Conflict`` unless there is an open danger to judge."""
    request_id, status = document["request_id"], document["status"]
    if status not in OPEN_STATUSES:
        raise Conflict(f"{request_id} is {status}; its danger is over", current_state=status)
    if document["danger"] is None:
        raise Conflict(f"{request_id} was never held dangerous")
    if document["danger"]["state"] == "lowered":
        raise Conflict(
            f"the danger of {request_id} was lowered before; "
            f"POST /requests/{request_id}/priority raises it again"
        )


def confirmed(document: Document, by: By, reason: str) -> NewEvent:
    """Return the event of a danger that stands.

    Raises:
        Conflict: it was confirmed before.
    """
    if document["danger"]["state"] == "confirmed":
        raise Conflict(f"the danger of {document['request_id']} was confirmed before")
    return NewEvent("danger_confirmed", by, changes={"danger.state": "confirmed"}, message=reason)


def lowered(
    document: Document, priority: str, promise: Mapping[str, Any], by: By, reason: str
) -> NewEvent:
    """Return the event of a danger that is none, with the priority it has then."""
    meta = {"from_priority": document["priority"], "to_priority": priority, "rule": None}
    changes = {"priority": priority, "danger.state": "lowered", **promise}
    return NewEvent("priority_changed", by, changes=changes, meta=meta, message=reason)
