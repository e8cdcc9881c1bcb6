"""The heatmap."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from cst_contracts.documents import GeoFeed
from cst_geo_analytics.api.deps import Heatmaps
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_http.auth import AnyCaller

router = APIRouter()


@router.get(
    "/geofeeds/heatmap",
    response_model=GeoFeed,
    responses={304: {"description": "Not changed since the ETag in If-None-Match"}},
)
async def heatmap(
    query: Annotated[HeatmapQuery, Query()],
    service: Heatmaps,
    caller: AnyCaller,
    response: Response,
    if_none_match: Annotated[str | None, Header(max_length=100)] = None,
) -> GeoFeed | Response:
    """Return H3 hexagons with count, weight and share; the public sees what it may."""
    feed = await service.heatmap(query, staff=caller.is_staff)
    headers = {"ETag": f'"{feed.etag}"', "Vary": "Authorization"}
    if if_none_match is not None and feed.etag in if_none_match:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return feed
