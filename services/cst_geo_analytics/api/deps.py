"""What geo-analytics' routes share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from cst_geo_analytics.city_map import CityMap
from cst_geo_analytics.heatmap import service as heatmap
from cst_geo_analytics.heatmap.pictures import Pictures
from cst_geo_analytics.insights.service import Insights
from cst_geo_analytics.live.service import LiveMap
from cst_geo_analytics.map_page import MapPage
from cst_geo_analytics.snapshots.feeds import NamedFeeds
from cst_geo_analytics.snapshots.service import Snapshots


async def _heatmaps(request: Request) -> heatmap.Heatmaps:
    found: heatmap.Heatmaps = request.app.state.geo_analytics.heatmaps
    return found


Heatmaps = Annotated[heatmap.Heatmaps, Depends(_heatmaps)]


async def _pictures(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.geo_analytics.pictures
    return pictures


PictureMaker = Annotated[Pictures, Depends(_pictures)]


@dataclass(frozen=True, slots=True)
class MapParts:
    """What the routes of the map page give: the city to draw on, and the page itself."""

    city: CityMap
    page: MapPage = field(default_factory=MapPage)


async def _live(request: Request) -> LiveMap:
    live: LiveMap = request.app.state.geo_analytics.live
    return live


Live = Annotated[LiveMap, Depends(_live)]


async def map_parts(request: Request) -> MapParts:
    parts: MapParts = request.app.state.geo_analytics.maps
    return parts


Maps = Annotated[MapParts, Depends(map_parts)]


@dataclass(frozen=True, slots=True)
class FeedParts:
    """Named feeds, and their snapshots."""

    named: NamedFeeds
    snapshots: Snapshots


async def _feeds(request: Request) -> FeedParts:
    parts: FeedParts = request.app.state.geo_analytics.feeds
    return parts


Feeds = Annotated[FeedParts, Depends(_feeds)]


#: Staff and others get different answers to the same question.
BY_CALLER = {"Vary": "Authorization"}


async def _insights(request: Request) -> Insights:
    insights: Insights = request.app.state.geo_analytics.insights
    return insights


Insight = Annotated[Insights, Depends(_insights)]
