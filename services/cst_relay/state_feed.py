"""What the feeds of states share: a record for each change, of the document as it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from cst_contracts.messages import MessageSpec
from cst_contracts.topics import Topic
from cst_mongo.client import Collection, Document
from cst_relay.domain.records import Reading, Record
from cst_relay.domain.request_records import MALFORMED, dead_letter
from cst_relay.domain.state_records import state_record
from cst_relay.feed import FullDocument

SCAN_BATCH = 500
WRITES = ("insert", "update", "replace", "invalidate")


class StateFeed:
    """Documents of a collection, each with the fields that its message names.

    Attributes:
        message: what is sent of a document.
        key: the field that its records are keyed by.
        fields: what is read of a document, by path.
        operations: kinds of changes that are read.
    """

    name: str
    collection: str
    message: MessageSpec
    key: str
    fields: tuple[str, ...]
    operations: tuple[str, ...] = WRITES
    full_document: FullDocument = "updateLookup"

    @property
    def topic(self) -> Topic:
        return self.message.topic

    def body(self, document: Document) -> Document:
        """Return a document with what its message has under another name than the collection."""
        return document

    def pipeline(self) -> list[Document]:
        kept = {f"fullDocument.{path}": 1 for path in ("_id", *self.fields)}
        return [
            {"$match": {"operationType": {"$in": list(self.operations)}}},
            {"$project": {"operationType": 1, "documentKey": 1, "wallTime": 1, **kept}},
        ]

    def projection(self) -> Mapping[str, Any]:
        return dict.fromkeys(self.fields, 1)

    def deleted(self, change: Mapping[str, Any]) -> Reading | None:
        """Return what a deletion says; None where it does not say what was deleted."""
        return Reading([])

    def read(self, change: Mapping[str, Any]) -> Reading | None:
        if change["operationType"] == "delete":
            return self.deleted(change)
        document = change.get("fullDocument")
        return None if document is None else self.read_document(document)

    def read_document(self, document: Document) -> Reading:
        return Reading([self._record(document)])

    def _record(self, document: Document) -> Record:
        try:
            return state_record(self.message, str(document[self.key]), self.body(document))
        except MALFORMED as error:
            return self._dead(document, f"{type(error).__name__}: {error}")

    def _dead(self, document: Document, error: str) -> Record:
        shown = {"subject": document[self.key]} if self.key in document else {}
        source = f"{self.collection}/{document['_id']}"
        return dead_letter(shown, error, feed=self.name, source=source, topic=self.topic.name)

    async def documents(
        self, collection: Collection, since: datetime | None
    ) -> AsyncIterator[Document]:
        # Such documents do not say when they were written, and the last of a key is what counts.
        async for document in collection.find({}, self.projection(), batch_size=SCAN_BATCH):
            yield document
