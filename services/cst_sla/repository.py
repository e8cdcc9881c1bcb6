"""SLA's queries: clocks, and KPIs in ``performance_logs``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, ReplaceOne, UpdateOne

from cst_ledger.events import Document
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

CLOCKS = CollectionSpec(
    "sla_clocks",
    (
        IndexModel(
            [("next_due_at", ASCENDING)],
            partialFilterExpression={"next_due_at": {"$type": "date"}},
        ),
    ),
)
SPECS = (CLOCKS,)
_NEEDED = {
    "request_id": 1,
    "sla_policy": 1,
    "due_at": 1,
    "timestamps": 1,
    "historic": 1,
    "escalations": 1,
    "workflow.hold": 1,
    "workflow.held_seconds": 1,
    "duplicates.is_master": 1,
    "ledger.seq": 1,
}


class SlaRepository:
    """Reads requests, keeps clocks and KPIs."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._logs = db[LOGS.name]
        self._clocks = db[CLOCKS.name]

    async def requests(self, request_ids: Sequence[str], session: Session) -> list[Document]:
        """Return what clocks need of some requests."""
        wanted = {"request_id": {"$in": list(request_ids)}}
        return await self._requests.find(wanted, _NEEDED, session=session).to_list()

    async def clocks(self, request_ids: Sequence[str], session: Session) -> dict[str, Document]:
        """Return the clocks that exist, by request id."""
        cursor = self._clocks.find({"_id": {"$in": list(request_ids)}}, session=session)
        return {clock["_id"]: clock async for clock in cursor}

    async def save_kpis(self, kpis: Mapping[ObjectId, dict[str, Any]], session: Session) -> None:
        """Set KPIs in bucket 0 of each request's log (no append, so the relay passes it by)."""
        updates = [
            UpdateOne({"request_id": oid, "bucket": 0}, {"$set": values})
            for oid, values in kpis.items()
        ]
        if updates:
            await self._logs.bulk_write(updates, ordered=False, session=session)

    async def drop_clocks(self, request_ids: Sequence[str], session: Session) -> None:
        """Remove the clocks of some requests, where they have one."""
        if request_ids:
            await self._clocks.delete_many({"_id": {"$in": list(request_ids)}}, session=session)

    async def request_ids(self, count: int) -> AsyncIterator[list[str]]:
        """Yield the id of every request, ``count`` at a time, by an index alone."""
        wanted: dict[str, Any] = {}
        while True:
            cursor = self._requests.find(wanted, {"_id": 0, "request_id": 1})
            ids = [row["request_id"] async for row in cursor.sort("request_id", 1).limit(count)]
            if not ids:
                return
            yield ids
            wanted = {"request_id": {"$gt": ids[-1]}}

    async def clocks_without_request(self, count: int) -> AsyncIterator[list[str]]:
        """Yield the ids of clocks that have no request (the ledger never removes one)."""
        wanted: dict[str, Any] = {}
        while True:
            cursor = self._clocks.find(wanted, {"_id": 1}).sort("_id", 1).limit(count)
            ids = [row["_id"] async for row in cursor]
            if not ids:
                return
            known = self._requests.find({"request_id": {"$in": ids}}, {"_id": 0, "request_id": 1})
            with_request = {row["request_id"] async for row in known}
            yield [key for key in ids if key not in with_request]
            wanted = {"_id": {"$gt": ids[-1]}}

    async def breaches(
        self, oids: Sequence[ObjectId], session: Session
    ) -> dict[ObjectId, datetime]:
        """Return when requests (by ``_id``) were breached, for those that were, by the ledger."""
        breach = {"$eq": ["$$this.type", "sla_breached"]}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"request_id": {"$in": list(oids)}, "event_stream.type": "sla_breached"}},
            {"$sort": {"request_id": -1, "bucket": -1}},
            {
                "$project": {
                    "request_id": 1,
                    "first": {"$first": {"$filter": {"input": "$event_stream", "cond": breach}}},
                }
            },
        ]
        cursor = await self._logs.aggregate(pipeline, session=session)
        return {log["request_id"]: log["first"]["meta"]["breached_at"] async for log in cursor}

    async def put_clocks(self, clocks: Mapping[str, dict[str, Any]], session: Session) -> None:
        """Replace whole clocks, with what fired."""
        updates = [ReplaceOne({"_id": key}, clock, upsert=True) for key, clock in clocks.items()]
        if updates:
            await self._clocks.bulk_write(updates, ordered=False, session=session)

    async def kpis(self, request_ids: Sequence[str], session: Session) -> dict[str, dict[str, Any]]:
        """Return the KPIs of requests that have some."""
        oids = await self._oids(request_ids, session)
        wanted = {"request_id": {"$in": list(oids)}, "bucket": 0}
        cursor = self._logs.find(wanted, {"request_id": 1, "computed_kpis": 1}, session=session)
        return {
            oids[log["request_id"]]: log["computed_kpis"]
            async for log in cursor
            if log["computed_kpis"] is not None
        }

    async def put_kpis(self, kpis: Mapping[str, dict[str, Any]], session: Session) -> None:
        """Set the KPIs of requests."""
        oids = await self._oids(list(kpis), session)
        values = {oid: {"computed_kpis": kpis[request_id]} for oid, request_id in oids.items()}
        await self.save_kpis(values, session)

    async def _oids(self, request_ids: Sequence[str], session: Session) -> dict[ObjectId, str]:
        wanted = {"request_id": {"$in": list(request_ids)}}
        cursor = self._requests.find(wanted, {"request_id": 1}, session=session)
        return {row["_id"]: row["request_id"] async for row in cursor}

    async def count_clocks(self) -> int:
        return await self._clocks.estimated_document_count()

    async def count_kpis(self) -> int:
        return await self._requests.estimated_document_count()

    @staticmethod
    def fallen_due(now: datetime) -> dict[str, Any]:
        """Return the filter of the clocks that have something due by ``now``."""
        # Without its type the partial index would not answer it.
        return {"next_due_at": {"$lte": now, "$type": "date"}}

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return the requests whose clock has something due, longest overdue first."""
        cursor = self._clocks.find(self.fallen_due(now), {"_id": 1})
        return [row["_id"] async for row in cursor.sort("next_due_at", 1).limit(limit)]

    async def mark_breached(self, request_id: str, breach_at: datetime, session: Session) -> bool:
        """Note the breach in the clock; False when it was noted before or the clock has stopped."""
        result = await self._clocks.update_one(
            {"_id": request_id, "next_due_at": breach_at, "breached_at": None},
            {"$set": {"next_due_at": None, "breached_at": breach_at}},
            session=session,
        )
        return result.modified_count == 1
