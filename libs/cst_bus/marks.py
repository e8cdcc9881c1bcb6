"""Marks: how far a consumer has come with each request. They share the effect's transaction."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from cst_core.clock import wall_now
from cst_mongo.client import Collection, Database, Document, Session
from cst_mongo.indexes import CollectionSpec

#: For collections that hold marks: parked ones are few among many.
PARKED_INDEX = IndexModel(
    [("parked", ASCENDING)], partialFilterExpression={"parked": True}, name="parked"
)
MARKS = CollectionSpec("consumer_marks", (PARKED_INDEX,))


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a request's events wait: since when, the error, and the ``seq`` of the event it was.

    ``seq`` is None where a record could not be read: then no event is known to be at fault.
    """

    since: datetime
    error: str
    seq: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The last event handled of a request, and whether its later ones go to the dead letters."""

    seq: int = -1
    parked: Parked | None = None


class Marks:
    """A consumer's marks in the rows of a collection, one a request. They never expire.

    Args:
        rows: the collection.
        prefix: put before a request's id to make the ``_id`` of its row.
    """

    def __init__(self, rows: Collection, prefix: str = "") -> None:
        self._rows = rows
        self._prefix = prefix

    async def load(self, request_ids: Iterable[str], session: Session | None) -> dict[str, Mark]:
        """Return the marks of those requests that have one."""
        ids = [self._prefix + request_id for request_id in request_ids]
        cursor = self._rows.find({"_id": {"$in": ids}}, _FIELDS, session=session)
        return {self._request(row): mark_of(row) async for row in cursor}

    async def parked(self) -> int:
        """Return how many requests are parked."""
        return await self._rows.count_documents(self._parked_ones())

    async def parked_rows(self) -> AsyncIterator[tuple[str, Mark]]:
        """Yield every parked request with its mark."""
        async for row in self._rows.find(self._parked_ones(), _FIELDS).sort("_id", 1):
            yield self._request(row), mark_of(row)

    def _parked_ones(self) -> dict[str, Any]:
        return {"parked": True, "_id": {"$regex": f"^{re.escape(self._prefix)}"}}

    async def save(self, seqs: Mapping[str, int], session: Session) -> None:
        """Say that the requests' events up to these have had their effect."""
        await self._set("$set", "seq", seqs, session)

    async def skip(self, seqs: Mapping[str, int], session: Session) -> None:
        """Say that the requests' events up to these will never have an effect.

        In a field of its own: a row that is a projection has taken in what ``seq`` says.
        """
        await self._set("$set", "skipped", seqs, session)

    async def pass_by(self, seqs: Mapping[str, int], session: Session) -> None:
        """Note the last events that a consumer met while their requests were parked."""
        await self._set("$max", "passed", seqs, session)

    async def park(
        self, request_id: str, error: str, session: Session, *, seq: int | None = None
    ) -> bool:
        """Park a request, unless its event ``seq`` has had its effect meanwhile.

        Returns:
            Whether it is parked now; it may have been before, and keeps its time then.
        """
        mark = (await self.load([request_id], session)).get(request_id, Mark())
        if seq is not None and seq <= mark.seq:
            return mark.parked is not None
        since = wall_now() if mark.parked is None else mark.parked.since
        why = {"parked": True, "parked_at": since, "error": error, "failed_seq": seq}
        await self._rows.update_one(
            {"_id": self._prefix + request_id},
            {"$set": why, "$setOnInsert": {"seq": -1}},
            upsert=True,
            session=session,
        )
        return True

    async def unpark(self, request_id: str, session: Session) -> None:
        """Let a request's events be handled again as they come."""
        row, gone = self._prefix + request_id, ("parked_at", "error", "failed_seq", "passed")
        change = {"$set": {"parked": False}, "$unset": dict.fromkeys(gone, "")}
        await self._rows.update_one({"_id": row}, change, session=session)
        # What was parked before anything of it was handled has nothing to remember.
        nothing = {"_id": row, "seq": -1, "skipped": {"$exists": False}}
        await self._rows.delete_one(nothing, session=session)

    async def _set(
        self, operator: str, name: str, seqs: Mapping[str, int], session: Session
    ) -> None:
        updates = []
        for request_id, seq in seqs.items():
            new = {"parked": False} if name == "seq" else {"parked": False, "seq": -1}
            change: dict[str, Any] = {operator: {name: seq}, "$setOnInsert": new}
            updates.append(UpdateOne({"_id": self._prefix + request_id}, change, upsert=True))
        if updates:
            await self._rows.bulk_write(updates, ordered=False, session=session)

    def _request(self, row: Document) -> str:
        return str(row["_id"]).removeprefix(self._prefix)


class CollectionMarks(Marks):
    """Marks in ``consumer_marks``, for consumers that have no row per request of their own."""

    def __init__(self, db: Database, consumer: str) -> None:
        super().__init__(db[MARKS.name], f"{consumer}:")


_FIELDS = ("seq", "skipped", "parked", "parked_at", "error", "failed_seq")


def mark_of(row: Document) -> Mark:
    """Return the mark that a row holds."""
    seq = max(row["seq"], row.get("skipped", -1))
    if not row.get("parked"):
        return Mark(seq)
    return Mark(seq, Parked(row["parked_at"], row["error"], row["failed_seq"]))
