"""SLA's queries: clocks, and KPIs in ``performance_logs``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel, ReplaceOne, UpdateOne

from cst_contracts.enums import OPEN_STATUSES
from cst_ledger.events import Document
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.claims import claim
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_sla.kpis.repository import FACTS
from cst_sla.orphans import without_request

CLOCKS = CollectionSpec(
    "sla_clocks",
    (
        IndexModel(
            [("next_due_at", ASCENDING)],
            partialFilterExpression={"next_due_at": {"$type": "date"}},
        ),
    ),
)
SPECS = (CLOCKS, FACTS)
#: Fields of a request that its clock and its KPIs are made of.
_NEEDED = dict.fromkeys(
    (
        "request_id",
        "category",
        "status",
        "priority",
        "sla_policy",
        "due_at",
        "timestamps",
        "historic",
        "escalations",
        "sla_fired",
        "first_response_at",
        "reopened",
        "rating",
        "source",
        "workflow",
        "location.zone_id",
        "assignment.assigned_agent_id",
        "duplicates.is_master",
    ),
    1,
)


class SlaRepository:
    """Reads requests, keeps clocks and KPIs."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._logs = db[LOGS.name]
        self._clocks = db[CLOCKS.name]

    async def requests(
        self, request_ids: Sequence[str], session: Session | None = None
    ) -> list[Document]:
        """Return what clocks need of some requests."""
        wanted = {"request_id": {"$in": list(request_ids)}}
        return await self._requests.find(wanted, _NEEDED, session=session).to_list()

    async def clocks(self, request_ids: Sequence[str], session: Session) -> dict[str, Document]:
        """Return the clocks that exist, by request id."""
        cursor = self._clocks.find({"_id": {"$in": list(request_ids)}}, session=session)
        return {clock["_id"]: clock async for clock in cursor}

    async def whole(self, request_ids: Sequence[str], session: Session) -> list[Document]:
        """Return some requests with all their fields."""
        wanted = {"request_id": {"$in": list(request_ids)}}
        return await self._requests.find(wanted, session=session).to_list()

    async def save_kpis(self, kpis: Mapping[ObjectId, dict[str, Any]], session: Session) -> None:
        """Set KPIs in bucket 0 of each request's log (no append, so the relay passes it by)."""
        updates = [
            UpdateOne({"request_id": oid, "bucket": 0}, {"$set": {"computed_kpis": values}})
            for oid, values in kpis.items()
        ]
        if updates:
            await self._logs.bulk_write(updates, ordered=False, session=session)

    async def drop_clocks(self, request_ids: Sequence[str], session: Session) -> None:
        """Remove the clocks of some requests, where they have one."""
        if request_ids:
            await self._clocks.delete_many({"_id": {"$in": list(request_ids)}}, session=session)

    async def open_ids(
        self, category: str | None, policy_id: str | None, count: int
    ) -> AsyncIterator[list[str]]:
        """Yield the ids of open requests that are promised here, ``count`` at a time.

        ``category`` and ``policy_id`` narrow it down to those of one category, or one policy.
        """
        wanted: dict[str, Any] = {"status": {"$in": sorted(OPEN_STATUSES)}, "historic": False}
        if category is not None:
            wanted["category"] = category
        if policy_id is not None:
            wanted["sla_policy.policy_id"] = policy_id
        batch: list[str] = []
        async for row in self._requests.find(wanted, {"_id": 0, "request_id": 1}):
            batch.append(row["request_id"])
            if len(batch) == count:
                yield batch
                batch = []
        yield batch

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

    def clocks_without_request(self, count: int) -> AsyncIterator[list[str]]:
        """Yield the ids of clocks that have no request (the ledger never removes one)."""
        return without_request(self._clocks, self._requests, count)

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
        await self.save_kpis({oid: kpis[key] for oid, key in oids.items()}, session)

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

    async def claim(self, now: datetime, limit: int, holder: str) -> list[str]:
        """Take requests whose clock has something due, longest overdue first; return their ids."""
        order = [("next_due_at", ASCENDING)]
        return await claim(self._clocks, self.fallen_due(now), order, limit, holder)
