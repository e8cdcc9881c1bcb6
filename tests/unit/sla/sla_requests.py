"""Requests with a promise, for tests of clocks and KPIs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cst_ledger.events import Document
from cst_ledger.fold import get_path
from cst_rules import due_at, paused
from cst_sla.domain.clock import Step, pending
from cst_sla.domain.firing import fire
from cst_testkit.factories import CREATED_AT, policy_terms, request_state

HOUR = timedelta(hours=1)
#: Monday to Friday, 08:30 to 17:00 in New York.
OFFICE: dict[str, Any] = {
    "kind": "business",
    "timezone": "America/New_York",
    "weekly": {day: [["08:30", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "country": None,
    "subdivision": None,
    "closures": [],
    "works_on": [],
}


def promised(*, resolved: float | None = None, **terms: Any) -> Document:
    """Return a request with a policy of ``terms``; ``resolved`` hours after its creation."""
    policy = policy_terms(**terms)
    state = request_state(sla_policy=policy, due_at=due_at(policy, CREATED_AT))
    if resolved is not None:
        state["timestamps"]["resolved_at"] = CREATED_AT + resolved * HOUR
    ledger = {"seq": 0, "hash": "", "bucket": 0}
    return state | {"request_id": "CST-2026-0001", "ledger": ledger}


def changed(document: Document, changes: dict[str, Any]) -> Document:
    """Return a request with some dotted paths set, as the ledger would."""
    after: Document = document | {
        name: dict(value) for name, value in document.items() if isinstance(value, dict)
    }
    for path, value in changes.items():
        *parents, last = path.split(".")
        (get_path(after, ".".join(parents)) if parents else after)[last] = value
    return after


def held(document: Document, since: datetime, until: datetime) -> Document:
    """Return a request whose clock has stood still for a while."""
    return changed(document, paused(document, since, until))


def run(document: Document, now: datetime) -> tuple[Document, list[Step]]:
    """Fire what is due by ``now``; return the request afterwards, and what has fired."""
    fired = []
    for step in pending(document):
        if step.at > now:
            break
        for event in fire(document, step).events:
            document = changed(document, dict(event.changes))
        fired.append(step)
    return document, fired
