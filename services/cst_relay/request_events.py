"""The feed of the ledger: ``performance_logs`` to the topic of request events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from cst_contracts.topics import REQUEST_EVENTS, Topic
from cst_ledger.ledger import LOGS
from cst_mongo.client import Collection, Document
from cst_relay.domain.changes import STREAM, UNPUBLISHED, new_events, pipeline, written_at
from cst_relay.domain.records import Reading, Record
from cst_relay.domain.request_records import Malformed, dead_letter, event_record

_SCAN_BATCH = 500


class RequestEvents:
    """Every event of every request, keyed by request id."""

    name = "request-events"
    collection = LOGS.name
    topic: Topic = REQUEST_EVENTS

    def __init__(self, city: str) -> None:
        self._city = city

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
        return Reading(self._records(events, change["documentKey"]["_id"]), written_at(change))

    def read_document(self, document: Document) -> Reading:
        events = document.get(STREAM)
        written = document.get("updated_at")
        if not isinstance(events, list):
            lost = self._dead({}, f"{STREAM} is no list", document["_id"])
            return Reading([lost], written)
        return Reading(self._records(events, document["_id"]), written)

    def _records(self, events: Iterable[Any], document_id: Any) -> list[Record]:
        records: list[Record] = []
        for event in events:
            try:
                records.append(event_record(event, self._city))
            except Malformed as error:
                records.append(self._dead(event, str(error), document_id))
        return records

    def _dead(self, event: Any, error: str, document_id: Any) -> Record:
        source = f"{self.collection}/{document_id}"
        return dead_letter(event, error, feed=self.name, source=source, topic=self.topic.name)

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
