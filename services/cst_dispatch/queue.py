"""The queue of triaged requests that wait for an agent, one row each.

What is triaged is put here first and looked at at once, so that whoever comes first by priority and
age gets who is there. Where nobody fits the row says when it is looked at next: when somebody's
shift begins, or, as the longest wait, in an hour. Before that it is looked at when somebody who
could take it has room again or has changed (``wake``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DeleteOne, IndexModel, UpdateOne

from cst_dispatch.domain.candidates import Job
from cst_dispatch.domain.decisions import holders
from cst_ledger.events import Document
from cst_mongo.claims import claim
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

#: First by priority, then by age.
RANK = (("priority", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING))
QUEUE = CollectionSpec(
    "dispatch_queue",
    (
        IndexModel([("next_try_at", ASCENDING)]),
        IndexModel([*RANK]),
        IndexModel([("zone_id", ASCENDING), *RANK]),
    ),
)


class Queue:
    """Keeps the rows."""

    def __init__(self, db: Database) -> None:
        self._rows = db[QUEUE.name]

    async def follow(
        self,
        waiting: Sequence[tuple[Document, Collection[str]]],
        others: Sequence[str],
        now: datetime,
        session: Session,
    ) -> None:
        """Queue requests (each with its skills) to be looked at now, or bring their rows in line.

        ``others`` are not to wait: they are taken out.
        """
        writes: list[UpdateOne | DeleteOne] = [
            _put(document, skills, now) for document, skills in waiting
        ]
        writes += [DeleteOne({"_id": request_id}) for request_id in others]
        if writes:
            await self._rows.bulk_write(writes, ordered=False, session=session)

    async def find(self, request_id: str, session: Session) -> Document | None:
        """Return the row of a request."""
        return await self._rows.find_one({"_id": request_id}, session=session)

    async def defer(
        self, document: Document, skills: Collection[str], told: Mapping[str, Any], session: Session
    ) -> None:
        """Let a request wait; ``told`` says until when, and why."""
        row = {**row_of(document, skills), **told, "claimed_until": None}
        fresh = {"waits_since": told["tried_at"], "wakes": 0}
        await self._rows.update_one(
            {"_id": document["request_id"]},
            {"$set": row, "$setOnInsert": fresh},
            upsert=True,
            session=session,
        )

    async def leave(self, request_id: str, session: Session) -> None:
        """Take a request out of the queue, if it is in it."""
        await self._rows.delete_one({"_id": request_id}, session=session)

    async def put_off(self, request_id: str, until: datetime) -> None:
        """Look at a request that failed no earlier than ``until``; nothing waits for it."""
        change = {"$set": {"next_try_at": until, "claimed_until": None, "failed": True}}
        await self._rows.update_one({"_id": request_id}, change)

    async def put_back(self, rows: Mapping[str, tuple[int, datetime]]) -> None:
        """Let claimed rows wait on: by id, how often each had been woken, and until when."""
        updates = [
            # What was woken meanwhile stays due.
            UpdateOne({"_id": key, "wakes": wakes}, {"$set": {"next_try_at": until}})
            for key, (wakes, until) in rows.items()
        ]
        if updates:
            await self._rows.bulk_write(updates, ordered=False)
            free = {"$set": {"claimed_until": None}}
            await self._rows.update_many({"_id": {"$in": list(rows)}}, free)

    @staticmethod
    def fallen_due(now: datetime) -> dict[str, Any]:
        """Return the filter of what is to be looked at by ``now``."""
        return {"next_try_at": {"$lte": now}}

    async def claim(self, now: datetime, limit: int, holder: str) -> list[Document]:
        """Take rows that are due, first by rank; return them in that order."""
        ids = await claim(self._rows, self.fallen_due(now), RANK, limit, holder)
        return await self._rows.find({"_id": {"$in": ids}}).sort([*RANK]).to_list()

    async def wake(self, agent: Document, now: datetime, limit: int | None) -> int:
        """Have looked at what waits for somebody like ``agent``; return how many requests.

        ``limit`` takes the first ones by rank; None takes them all. Also what is looked at just now
        is written to: who does so may have read the agent as it was, and conflicts with this.
        """
        cursor = self._rows.find(_could_be_taken_by(agent), {"_id": 1}).sort([*RANK])
        ids = [row["_id"] async for row in (cursor.limit(limit) if limit else cursor)]
        if ids:
            woken = {"$set": {"next_try_at": now}, "$inc": {"wakes": 1}}
            await self._rows.update_many({"_id": {"$in": ids}}, woken)
        return len(ids)

    async def has_before(
        self, document: Document, session: Session, *, same_priority: bool
    ) -> bool:
        """Tell whether anything in the queue comes before a request."""
        before = _before(document, same_priority=same_priority)
        return await self._rows.find_one(before, {"_id": 1}, session=session) is not None

    async def before(
        self,
        document: Document,
        agent: Document,
        limit: int,
        session: Session,
        *,
        same_priority: bool,
    ) -> list[Document]:
        """Return what comes before a request and is in an agent's field, first by rank."""
        wanted = {
            "$and": [_before(document, same_priority=same_priority), _could_be_taken_by(agent)]
        }
        return await self._rows.find(wanted, session=session).sort([*RANK]).limit(limit).to_list()

    async def page(
        self, wanted: Mapping[str, Any], after: Sequence[Any] | None, limit: int
    ) -> list[Document]:
        """Return up to ``limit`` rows by rank, after the rank (priority, created_at, id)."""
        these: dict[str, Any] = dict(wanted)
        if after is not None:
            these = {"$and": [these, _later_than(*after)]}
        return await self._rows.find(these).sort([*RANK]).limit(limit).to_list()


def _put(document: Document, skills: Collection[str], now: datetime) -> UpdateOne:
    row = row_of(document, skills) | {"next_try_at": now}
    fresh: dict[str, Any] = {"waits_since": now, "deferred_as": None, "reason": None}
    fresh["excluded"] = {}
    change = {"$set": row, "$inc": {"wakes": 1}, "$setOnInsert": fresh}
    return UpdateOne({"_id": document["request_id"]}, change, upsert=True)


def row_of(document: Document, skills: Collection[str]) -> Document:
    """Return what a row shows of its request, and is found by."""
    location = document["location"]
    place = {"type": "Point", "coordinates": list(location["coordinates"])}
    return {
        "priority": document["priority"],
        "created_at": document["timestamps"]["created_at"],
        "due_at": document["due_at"],
        "category": document["category"],
        "zone_id": location["zone_id"],
        "place": place if location["located"] else None,
        "skills": sorted(skills),
        "past_agent_ids": sorted(holders(document)),
        "failed": False,
    }


def job_of(row: Document) -> Job:
    """Return the job that a row waits to have done."""
    lon, lat = row["place"]["coordinates"] if row["place"] else (None, None)
    return Job(row["zone_id"], lon, lat, row["priority"], frozenset(row["skills"]))


def _could_be_taken_by(agent: Document) -> dict[str, Any]:
    places: list[dict[str, Any]] = [{"zone_id": {"$in": list(agent["coverage"]["zone_ids"])}}]
    if (fence := agent["coverage"].get("geo_fence")) is not None:
        places.append({"place": {"$geoWithin": {"$geometry": fence}}})
    return {
        "skills": {"$in": list(agent["skills"])},
        "past_agent_ids": {"$ne": agent["_id"]},
        "$or": places,
    }


def _before(document: Document, *, same_priority: bool) -> dict[str, Any]:
    """Return the filter of what is more urgent, and (``same_priority``) of what is as urgent and
    older."""
    priority, sound = document["priority"], {"failed": False}
    more_urgent = {"priority": {"$lt": priority}, **sound}
    if not same_priority:
        return more_urgent
    created_at, request_id = document["timestamps"]["created_at"], document["request_id"]
    older = {"priority": priority, "created_at": {"$lt": created_at}}
    same_age = {"priority": priority, "created_at": created_at, "_id": {"$lt": request_id}}
    return {"$or": [more_urgent, older | sound, same_age | sound]}


def _later_than(priority: str, created_at: datetime, request_id: str) -> dict[str, Any]:
    return {
        "$or": [
            {"priority": {"$gt": priority}},
            {"priority": priority, "created_at": {"$gt": created_at}},
            {"priority": priority, "created_at": created_at, "_id": {"$gt": request_id}},
        ]
    }
