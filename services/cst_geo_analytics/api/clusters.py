"""Clusters, surges and trends."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cst_contracts.geo_insights import ClusterReport, SurgeReport, TrendReport
from cst_geo_analytics.api.deps import BY_CALLER, Insight
from cst_geo_analytics.domain.insight_queries import ClustersQuery, SurgesQuery, TrendsQuery
from cst_http.auth import AnyCaller

router = APIRouter()


@router.get("/clusters", response_model=ClusterReport)
async def clusters(
    query: Annotated[ClustersQuery, Query()],
    insights: Insight,
    caller: AnyCaller,
    response: Response,
) -> ClusterReport:
    """Return clusters of connected hot cells with their outlines, as GeoJSON.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.clusters.get(query, staff=caller.is_staff)


@router.get("/surges", response_model=SurgeReport)
async def surges(
    query: Annotated[SurgesQuery, Query()], insights: Insight, caller: AnyCaller, response: Response
) -> SurgeReport:
    """Return what was reported on a day far above its own history, and what only looks like it.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.surges.get(query, staff=caller.is_staff)


@router.get("/trends", response_model=TrendReport)
async def trends(
    query: Annotated[TrendsQuery, Query()], insights: Insight, caller: AnyCaller, response: Response
) -> TrendReport:
    """Return what emerges and what fades, tested for chance.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.trends.get(query, staff=caller.is_staff)
