"""Notices that nobody acknowledges: to whom they go next, when, and when nobody needs them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from cst_contracts.enums import INBOX_ROLES, OPEN_STATUSES
from cst_ledger.events import By, Document, NewEvent

REPETITION = By("system", "notices")


def next_role(roles: Sequence[str]) -> str:
    """Return who is asked after ``roles`` (in the order in which they were): the last one stays."""
    last = INBOX_ROLES.index(roles[-1])
    return INBOX_ROLES[min(last + 1, len(INBOX_ROLES) - 1)]


def next_repeat(repeat_at: datetime, interval: timedelta, now: datetime) -> datetime:
    """Return when a notice that was to be repeated at ``repeat_at`` is so again: after ``now``.

    However long nobody looked, what was missed meanwhile is made up for by one repetition.
    """
    missed = (now - repeat_at) // interval
    return repeat_at + (missed + 1) * interval


def why_moot(document: Document, kind: str) -> str | None:
    """Return why nobody needs to know of a notice about a request any more; None if they do.

    A dispute is about work that has ended, anything else about work that has not. What a duplicate
    needs is its master's matter, unless there is danger.
    """
    if kind == "dispute":
        return "dispute settled" if document["dispute"] is None else None
    if kind == "waiting" and document["status"] != "triaged":
        return "somebody has it"
    if kind == "escalation" and not document["duplicates"]["is_master"]:
        return "request became a duplicate"
    return None if document["status"] in OPEN_STATUSES else "request ended"


def repeated(notice: Document, to_role: str) -> NewEvent:
    """Return the event of one more repetition of ``notice``, as it was before."""
    meta = {
        "notice_id": notice["_id"],
        "kind": notice["kind"],
        "from_role": notice["roles"][-1],
        "to_role": to_role,
        "times": notice["repeats"] + 1,
    }
    return NewEvent("notice_repeated", REPETITION, meta=meta)
