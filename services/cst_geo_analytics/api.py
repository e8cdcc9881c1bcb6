"""Geo-analytics' routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from cst_contracts.documents import GeoFeed
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.service import GeoService
from cst_http.auth import AnyCaller
from cst_http.responses import PROBLEMS

router = APIRouter(prefix="/analytics", tags=["analytics"], responses=PROBLEMS)


async def _service(request: Request) -> GeoService:
    service: GeoService = request.app.state.geo_analytics
    return service


Service = Annotated[GeoService, Depends(_service)]


@router.get(
    "/geofeeds/heatmap",
    response_model=GeoFeed,
    responses={304: {"description": "Not changed since the ETag in If-None-Match"}},
)
async def heatmap(
    query: Annotated[HeatmapQuery, Query()],
    service: Service,
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
