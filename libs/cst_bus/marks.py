"""Marks: how far a consumer has come with each request. They share the effect's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pymongo import UpdateOne

from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

MARKS = CollectionSpec("consumer_marks")


@dataclass(frozen=True, slots=True)
class Mark:
    """The last event handled of a request, and whether its later ones go to the dead letters."""

    seq: int = -1
    parked: bool = False


class Marks(Protocol):
    """Where a consumer keeps its marks; a projection keeps them in its own rows."""

    async def load(self, request_ids: Iterable[str], session: Session) -> dict[str, Mark]: ...

    async def save(self, seqs: Mapping[str, int], session: Session) -> None: ...

    async def park(self, request_id: str, session: Session) -> None: ...


class CollectionMarks:
    """Marks in ``consumer_marks``, one document per consumer and request. They never expire."""

    def __init__(self, db: Database, consumer: str) -> None:
        self._marks = db[MARKS.name]
        self._consumer = consumer

    def _id(self, request_id: str) -> str:
        return f"{self._consumer}:{request_id}"

    async def load(self, request_ids: Iterable[str], session: Session) -> dict[str, Mark]:
        ids = {self._id(request_id): request_id for request_id in request_ids}
        cursor = self._marks.find({"_id": {"$in": list(ids)}}, session=session)
        return {ids[row["_id"]]: Mark(row["seq"], row["parked"]) async for row in cursor}

    async def save(self, seqs: Mapping[str, int], session: Session) -> None:
        updates = [
            UpdateOne(
                {"_id": self._id(request_id)},
                {"$set": {"seq": seq}, "$setOnInsert": {"parked": False}},
                upsert=True,
            )
            for request_id, seq in seqs.items()
        ]
        if updates:
            await self._marks.bulk_write(updates, ordered=False, session=session)

    async def park(self, request_id: str, session: Session) -> None:
        await self._marks.update_one(
            {"_id": self._id(request_id)},
            {"$set": {"parked": True}, "$setOnInsert": {"seq": -1}},
            upsert=True,
            session=session,
        )
