"""What the feeds of the ledger share: which events were appended, and the order of a rebuild."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from cst_ledger.ledger import LOGS
from cst_mongo.client import Collection, Document
from cst_relay.domain.changes import STREAM, UNPUBLISHED, new_events, pipeline, written_at
from cst_relay.domain.records import Reading, Record

_SCAN_BATCH = 500


class LedgerFeed(ABC):
    """The events of ``performance_logs``, keyed by request id."""

    collection = LOGS.name
    full_document = None

    def __init__(self, city: str) -> None:
        self._city = city

    @abstractmethod
    def records(self, events: Any, document_id: Any) -> Sequence[Record]:
        """Return the records of events of one document, which may hold anything."""

    def pipeline(self) -> list[Document]:
        return pipeline()

    def projection(self) -> Mapping[str, Any]:
        return {f"{STREAM}.{field}": 0 for field in UNPUBLISHED} | {
            "computed_kpis": 0,
            "citizen_feedback": 0,
        }

    def read(self, change: Mapping[str, Any]) -> Reading | None:
        events = new_events(change)
        if events is None:
            return None
        return Reading(self.records(events, change["documentKey"]["_id"]), written_at(change))

    def read_document(self, document: Document) -> Reading:
        records = self.records(document.get(STREAM), document["_id"])
        return Reading(records, document.get("updated_at"))

    async def documents(
        self, collection: Collection, since: datetime | None
    ) -> AsyncIterator[Document]:
        if since is None:
            cursor = collection.find({}, self.projection(), batch_size=_SCAN_BATCH)
            async for document in cursor.sort([("request_id", ASCENDING), ("bucket", ASCENDING)]):
                yield document
            return
        written = {"updated_at": {"$gte": since}}
        cursor = collection.find(written, self.projection(), batch_size=_SCAN_BATCH)
        async for document in cursor.sort([("updated_at", ASCENDING), ("bucket", ASCENDING)]):
            # Writers' clocks differ, so a bucket may look older than the one before it.
            async for earlier in self._earlier(collection, document, since):
                yield earlier
            yield document

    async def _earlier(
        self, collection: Collection, document: Document, since: datetime
    ) -> AsyncIterator[Document]:
        bucket = document.get("bucket")
        if not isinstance(bucket, int) or bucket == 0:
            return
        before = {
            "request_id": document.get("request_id"),
            "bucket": {"$lt": bucket},
            "updated_at": {"$gte": since},
        }
        async for earlier in collection.find(before, self.projection()).sort("bucket", ASCENDING):
            yield earlier
