"""Requests whose clocks have run out, stored in bulk, as schedulers find them after a pause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from cst_core.clock import Clock, to_ms, wall_now
from cst_ledger.events import NewEvent
from cst_ledger.ledger import Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact
from cst_rules import due_at
from cst_sla.domain.clock import clock_of
from cst_testkit.factories import created_event

BATCH = 100


async def store_overdue(
    db: Database,
    count: int,
    policy: Mapping[str, Any],
    *,
    age: timedelta = timedelta(hours=10),
    first: int = 1,
) -> list[str]:
    """Store ``count`` requests of ``age`` under ``policy``, with their clocks; return their ids.

    Their numbers run from ``first`` on.
    """
    ledger = Ledger(db, "intake", RuleBook.shipped(), Clock())
    start = to_ms(wall_now() - age)
    stored: list[str] = []
    for begin in range(first, first + count, BATCH):
        numbers = range(begin, min(begin + BATCH, first + count))
        firsts = [(f"CST-2026-{number:05}", _created(policy, start)) for number in numbers]

        async def store(
            session: Session, firsts: list[tuple[str, NewEvent]] = firsts
        ) -> list[dict[str, Any]]:
            return await ledger.import_many(firsts, session)

        documents = await transact(db, store)
        clocks = [{"_id": doc["request_id"], **(clock_of(doc) or {})} for doc in documents]
        await db["sla_clocks"].insert_many(clocks)
        stored += [doc["request_id"] for doc in documents]
    return stored


def _created(policy: Mapping[str, Any], start: datetime) -> NewEvent:
    steps = ("triaged", "assigned", "in_progress", "resolved", "closed")
    return created_event(
        sla_policy=dict(policy),
        due_at=due_at(policy, start),
        timestamps={
            "created_at": start,
            "updated_at": start,
            **{f"{step}_at": None for step in steps},
        },
    )
