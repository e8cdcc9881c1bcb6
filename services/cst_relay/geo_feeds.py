"""The feed of map feeds: snapshots in ``geo_feeds`` to its topic, without the GeoJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from cst_contracts.messages import GEO_FEED_MESSAGE
from cst_contracts.states import GeoFeedState
from cst_mongo.client import Collection, Document
from cst_relay.state_feed import SCAN_BATCH, StateFeed

#: A snapshot is there until it is pruned; the message's ``expires_at`` says so.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)


class GeoFeeds(StateFeed):
    """Snapshots of named map feeds, each once. That one was pruned is not told.

    The heatmap's cache lies in the same collection. Anybody's look at the map writes it, so it says
    nothing to a reader of the topic; it has no ``feed``.
    """

    name = "geo-feeds"
    collection = "geo_feeds"
    message = GEO_FEED_MESSAGE
    key = "feed_name"
    fields = tuple(GeoFeedState.model_fields)

    def body(self, document: Document) -> Document:
        return {"expires_at": NEVER, **document}

    def pipeline(self) -> list[Document]:
        match, shown = super().pipeline()
        named = {"fullDocument.feed": {"$exists": True}}
        told = {"$or": [named, {"operationType": "invalidate"}]}
        return [{"$match": {**match["$match"], **told}}, shown]

    async def documents(
        self, collection: Collection, since: datetime | None
    ) -> AsyncIterator[Document]:
        named = {"feed": {"$exists": True}}
        async for document in collection.find(named, self.projection(), batch_size=SCAN_BATCH):
            yield document
