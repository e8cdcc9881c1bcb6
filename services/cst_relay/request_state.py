"""The feed of requests: ``service_requests`` to the compacted topic of their states."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from cst_contracts.messages import REQUEST_STATE_MESSAGE
from cst_contracts.states import RequestState, StateLocation
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Collection, Document
from cst_relay.domain.records import Reading
from cst_relay.domain.state_records import tombstone
from cst_relay.state_feed import SCAN_BATCH, WRITES, StateFeed


class RequestStates(StateFeed):
    """Every request exactly as it stood after each change; a deleted one is a tombstone.

    A deletion carries the id of the document alone, so which request it was is known by its
    pre-image. Where that has expired, or where the history is lost, its tombstone is too.
    """

    name = "request-state"
    collection = REQUESTS.name
    message = REQUEST_STATE_MESSAGE
    key = "request_id"
    fields = (
        *(name for name in RequestState.model_fields if name not in {"seq", "location"}),
        *(f"location.{name}" for name in StateLocation.model_fields),
        "ledger.seq",
    )
    operations = (*WRITES, "delete")
    full_document = "whenAvailable"

    def pipeline(self) -> list[Document]:
        # Of a document before its change only a deletion's is needed, and of that the key.
        deletion = {"$eq": ["$operationType", "delete"]}
        before = {self.key: f"$fullDocumentBeforeChange.{self.key}"}
        match, project = super().pipeline()
        project["$project"]["fullDocumentBeforeChange"] = {"$cond": [deletion, before, "$$REMOVE"]}
        return [match, project]

    def body(self, document: Document) -> Document:
        return {**document, "seq": document["ledger"]["seq"]}

    def deleted(self, change: Mapping[str, Any]) -> Reading | None:
        request_id = change.get("fullDocumentBeforeChange", {}).get(self.key)
        return None if request_id is None else Reading([tombstone(self.message, str(request_id))])

    async def documents(
        self, collection: Collection, since: datetime | None
    ) -> AsyncIterator[Document]:
        if since is None:
            async for document in super().documents(collection, None):
                yield document
            return
        # No change of a request without its event, whose time of writing is indexed.
        written: list[dict[str, Any]] = [
            {"$match": {"updated_at": {"$gte": since}}},
            {"$group": {"_id": "$request_id"}},
            {
                "$lookup": {
                    "from": self.collection,
                    "localField": "_id",
                    "foreignField": "_id",
                    "as": "request",
                }
            },
            {"$unwind": "$request"},
            {"$replaceWith": "$request"},
            {"$project": dict(self.projection())},
        ]
        logs = collection.database[LOGS.name].with_options(codec_options=collection.codec_options)
        cursor = await logs.aggregate(written, batchSize=SCAN_BATCH, allowDiskUse=True)
        async for document in cursor:
            yield document
