"""Requests as the committed examples speak of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from contract_kit import Event

from cst_geo.cells import center
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import created_event, policy_terms, request_state


async def seed(core: Core, example: Event) -> Document:
    """Store the request that ``example`` is about, as it stands after that event."""
    first = created_event(**_state(example["data"]["facts"]))

    async def write(session: Session) -> Document:
        return await core.ledger("test").create(example["subject"], first, session)

    return await transact(core.db, write)


def _state(facts: dict[str, Any]) -> dict[str, Any]:
    blank = request_state()
    created_at, due_at, resolved_at = map(
        _instant, (facts["created_at"], facts["due_at"], facts["resolved_at"])
    )
    times = {"created_at": created_at, "resolved_at": resolved_at}
    place = {name: facts[name] for name in ("zone_id", "h3", "located")}
    if facts["located"]:
        place["coordinates"] = list(center(facts["h3"]))
    return {
        "category": facts["category"],
        "priority": facts["priority"],
        "status": facts["status"],
        "workflow": blank["workflow"] | {"current_state": facts["status"]},
        "sla_policy": _terms(created_at, due_at),
        "due_at": due_at,
        "timestamps": blank["timestamps"] | times,
        "location": blank["location"] | place,
        "public": facts["public"],
        "historic": facts["historic"],
    }


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _terms(created_at: datetime | None, due_at: datetime | None) -> dict[str, Any] | None:
    if created_at is None or due_at is None:
        return None
    hours = (due_at - created_at).total_seconds() / 3600
    return policy_terms(policy_id="example", target_hours=hours, breach_threshold_hours=hours)
