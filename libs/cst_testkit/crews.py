"""Triaged requests and agents in bulk, for tests and benches of dispatch."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from cst_city.roster_numbers import next_roster_number
from cst_city.store import AGENTS
from cst_core.clock import Clock, to_ms, wall_now
from cst_ledger.events import NewEvent
from cst_ledger.ledger import Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database, Session
from cst_mongo.transactions import transact
from cst_testkit.factories import created_event, request_state

BATCH = 100
#: Every minute of the week.
ALWAYS = [
    {"day": day, "start": start, "end": end}
    for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for start, end in (("00:00", "12:00"), ("12:00", "00:00"))
]

Overrides = Callable[[int], Mapping[str, Any]]


def _nothing_special(_: int) -> Mapping[str, Any]:
    return {}


async def store_triaged(
    db: Database,
    count: int,
    *,
    first: int = 1,
    special: Overrides = _nothing_special,
    start: datetime | None = None,
) -> list[str]:
    """Store ``count`` triaged potholes in MN01, a second apart, and return their ids in order.

    ``special`` gives each by its number other fields than ``request_state`` has.
    """
    ledger = Ledger(db, "intake", RuleBook.shipped(), Clock())
    begin = start or to_ms(wall_now() - timedelta(seconds=count))
    ids: list[str] = []
    for low in range(0, count, BATCH):
        numbers = range(low, min(low + BATCH, count))
        firsts = [
            (f"CST-2026-{first + n:05}", _triaged(begin + timedelta(seconds=n), special(n)))
            for n in numbers
        ]

        async def store(
            session: Session, firsts: Sequence[tuple[str, NewEvent]] = firsts
        ) -> list[dict[str, Any]]:
            return await ledger.import_many(firsts, session)

        ids += [document["request_id"] for document in await transact(db, store)]
    return ids


def _triaged(created_at: datetime, special: Mapping[str, Any]) -> NewEvent:
    times = request_state()["timestamps"]
    moved = {"created_at": created_at, "triaged_at": created_at, "updated_at": created_at}
    return created_event(status="triaged", timestamps=times | moved, **special)


def person(number: int, **overrides: Any) -> dict[str, Any]:
    """Return the document of somebody who fills potholes in MN01 around the clock."""
    fields: dict[str, Any] = {
        "_id": ObjectId(),
        "agent_code": f"CREW-{number:05}",
        "kind": "person",
        "name": f"Crew {number}",
        "department": "DOT",
        "skills": ["roads"],
        "coverage": {"zone_ids": ["MN01"], "geo_fence": None},
        "schedule": {"timezone": "America/New_York", "shifts": ALWAYS, "on_call": False},
        "contacts": {"phone": None},
        "roles": ["agent"],
        "active": True,
        "created_at": wall_now(),
        "capacity": 4,
        "open_assignments": 0,
        "load_share": 0.0,
        "last_assigned_at": None,
        "position": None,
        "leave": [],
    }
    return fields | overrides


async def staff_only(db: Database, persons: Sequence[Mapping[str, Any]]) -> None:
    """Put ``persons`` in the place of all persons of the city; its teams stay."""

    async def once(session: Session) -> None:
        number = await next_roster_number(db, session)
        agents = db[AGENTS.name]
        gone = {"active": False, "roster_number": number}
        await agents.update_many({"kind": "person"}, {"$set": gone}, session=session)
        rows = [{**agent, "roster_number": number} for agent in persons]
        if rows:
            await agents.insert_many(rows, session=session)

    await transact(db, once)


def scattered(rng: random.Random, spread: float = 0.02) -> list[float]:
    """Return a place, [lon, lat] in degrees, around lower Manhattan."""
    return [-74.0 + rng.uniform(-spread, spread), 40.715 + rng.uniform(-spread, spread)]
