"""SLA's queries: clocks, and KPIs in ``performance_logs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, UpdateOne

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

    async def save_clocks(self, clocks: Mapping[str, dict[str, Any]], session: Session) -> None:
        """Insert or update clocks; what fired stays as it is."""
        updates = [
            UpdateOne(
                {"_id": request_id},
                {"$set": clock, "$setOnInsert": {"breached_at": None}},
                upsert=True,
            )
            for request_id, clock in clocks.items()
        ]
        if updates:
            await self._clocks.bulk_write(updates, ordered=False, session=session)

    async def save_kpis(self, kpis: Mapping[ObjectId, dict[str, Any]], session: Session) -> None:
        """Set KPIs in bucket 0 of each request's log (no append, so the relay passes it by)."""
        updates = [
            UpdateOne({"request_id": oid, "bucket": 0}, {"$set": values})
            for oid, values in kpis.items()
        ]
        if updates:
            await self._logs.bulk_write(updates, ordered=False, session=session)

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return the requests whose clock has something due, longest overdue first."""
        cursor = self._clocks.find({"next_due_at": {"$lte": now}}, {"_id": 1})
        return [row["_id"] async for row in cursor.sort("next_due_at", 1).limit(limit)]

    async def mark_breached(self, request_id: str, breach_at: datetime, session: Session) -> bool:
        """Note the breach in the clock; False when it was noted before or the clock has stopped."""
        result = await self._clocks.update_one(
            {"_id": request_id, "next_due_at": breach_at, "breached_at": None},
            {"$set": {"next_due_at": None, "breached_at": breach_at}},
            session=session,
        )
        return result.modified_count == 1
