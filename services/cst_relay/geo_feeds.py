"""The feed of map feeds: ``geo_feeds`` to its topic, without the GeoJSON."""

from __future__ import annotations

from cst_contracts.messages import GEO_FEED_MESSAGE
from cst_contracts.states import GeoFeedState
from cst_relay.state_feed import StateFeed


class GeoFeeds(StateFeed):
    """Map feeds that were computed anew. That one has expired, its last record said before."""

    name = "geo-feeds"
    collection = "geo_feeds"
    message = GEO_FEED_MESSAGE
    key = "feed_name"
    fields = tuple(GeoFeedState.model_fields)
