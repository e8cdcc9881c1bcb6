"""What a feed is: a collection, its change stream, and how changes become records."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from cst_contracts.topics import Topic
from cst_mongo.client import Collection, Document
from cst_relay.domain.records import Reading

#: What an update brings of its document, instead of what it changed alone: the document as it is
#: soon after, or its image, exactly as it was after the change (and a deletion's as it was before).
FullDocument = Literal["updateLookup", "whenAvailable"]


class Feed(Protocol):
    """A source collection and the topic it goes to. Everything but ``documents`` is pure."""

    @property
    def name(self) -> str:
        """Name of the feed, of its lease and of its checkpoint."""
        ...

    @property
    def collection(self) -> str: ...

    @property
    def topic(self) -> Topic: ...

    @property
    def full_document(self) -> FullDocument | None: ...

    def pipeline(self) -> list[Document]:
        """Return the stages after ``$changeStream``; they must let ``invalidate`` through."""
        ...

    def projection(self) -> Mapping[str, Any]:
        """Return what ``read_document`` needs of a document."""
        ...

    def read(self, change: Mapping[str, Any]) -> Reading | None:
        """Return the records of a change; None where its document must be read instead."""
        ...

    def read_document(self, document: Document) -> Reading:
        """Return every record of a document."""
        ...

    def documents(self, collection: Collection, since: datetime | None) -> AsyncIterator[Document]:
        """Yield the documents written since an instant (all, where None), for sending again.

        There may be others among them. The order must keep the records of one key in order.
        """
        ...
