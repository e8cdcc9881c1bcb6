"""Queries of ``kpi_facts``, and of what has to be looked up in the ledger for the past."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, ReplaceOne

from cst_ledger.events import Document
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_sla.domain.facts import Row
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.domain.kpi_report import GATHERED, SAME, SUMMED, Batch
from cst_sla.orphans import without_request

#: What reports filter by; status and priority leave too much for an index to be of use.
FACTS = CollectionSpec(
    "kpi_facts",
    (
        IndexModel([("day", ASCENDING)]),
        *(
            IndexModel([(name, ASCENDING), ("day", ASCENDING)])
            for name in ("category", "department", "zone_id")
        ),
        IndexModel(
            [("agent", ASCENDING), ("day", ASCENDING)],
            partialFilterExpression={"agent": {"$type": "objectId"}},
        ),
    ),
)
#: Requests read from the ledger at a time.
TOUCHED = 500


class FactsRepository:
    """Reads and writes facts."""

    def __init__(self, db: Database) -> None:
        self._facts = db[FACTS.name]
        self._requests = db[REQUESTS.name]
        self._logs = db[LOGS.name]

    async def rows(
        self, request_ids: Sequence[str], session: Session | None = None
    ) -> dict[str, Row]:
        """Return the rows of those requests that have one, without their keys."""
        cursor = self._facts.find({"_id": {"$in": list(request_ids)}}, session=session)
        return {row.pop("_id"): row async for row in cursor}

    async def put(self, rows: Mapping[str, Row], session: Session) -> None:
        """Replace whole rows."""
        updates = [ReplaceOne({"_id": key}, row, upsert=True) for key, row in rows.items()]
        if updates:
            await self._facts.bulk_write(updates, ordered=False, session=session)

    async def drop(self, request_ids: Sequence[str], session: Session) -> None:
        """Remove the rows of some requests."""
        if request_ids:
            await self._facts.delete_many({"_id": {"$in": list(request_ids)}}, session=session)

    def without_request(self, count: int) -> AsyncIterator[list[str]]:
        """See `cst_sla.orphans`."""
        return without_request(self._facts, self._requests, count)

    async def count(self) -> int:
        return await self._facts.estimated_document_count()

    async def has_department(self, code: str) -> bool:
        """Tell whether some request is a department's."""
        return await self._facts.find_one({"department": code}, {"_id": 1}) is not None

    async def batches(self, query: KpiQuery, session: Session | None = None) -> list[Batch]:
        """Return the rows that a query wants, put together as far as a report can use them.

        Grouping by fields as they are, and pushing together what percentiles need, is several times
        as fast as conditions, and an answer grows by 4 bytes and a key for each value.
        """
        group = query.group_field
        same = {name: f"${name}" for name in SAME} | ({"key": f"${group}"} if group else {})
        pipeline: list[dict[str, Any]] = [
            {"$match": query.wanted()},
            {
                "$group": {
                    "_id": same,
                    "n": {"$sum": 1},
                    **{name: {"$sum": f"${name}"} for name in SUMMED},
                    **{name: {"$push": f"${name}"} for name in GATHERED},
                }
            },
        ]
        cursor = await self._facts.aggregate(pipeline, session=session)
        # A field that no row of a batch has is missing from its `_id`.
        blank = dict.fromkeys((*SAME, "key"))
        return [blank | row.pop("_id") | row async for row in cursor]

    async def touched_since(
        self, instant: datetime, session: Session
    ) -> AsyncIterator[dict[ObjectId, str]]:
        """Yield the requests that were written since ``instant``, by ``_id``, in batches."""
        wanted = {"timestamps.updated_at": {"$gt": instant}}
        cursor = self._requests.find(wanted, {"request_id": 1}, session=session)
        batch: dict[ObjectId, str] = {}
        async for row in cursor.batch_size(TOUCHED):
            batch[row["_id"]] = row["request_id"]
            if len(batch) == TOUCHED:
                yield batch
                batch = {}
        yield batch

    async def events(
        self, oids: Sequence[ObjectId], session: Session
    ) -> AsyncIterator[tuple[ObjectId, list[Document]]]:
        """Yield each request's ``_id`` and stored events, in ``seq`` order."""
        cursor = self._logs.find(
            {"request_id": {"$in": list(oids)}},
            {"request_id": 1, "event_stream": 1},
            session=session,
        ).sort([("request_id", 1), ("bucket", 1)])
        oid, events = None, list[Document]()
        async for log in cursor:
            if log["request_id"] != oid:
                if oid is not None:
                    yield oid, events
                oid, events = log["request_id"], []
            events += log["event_stream"]
        if oid is not None:
            yield oid, events
