"""Zone summaries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cst_contracts.geo_insights import ZoneReport
from cst_geo_analytics.api.deps import BY_CALLER, Insight
from cst_geo_analytics.domain.insight_queries import ZonesQuery
from cst_http.auth import AnyCaller

router = APIRouter()


@router.get("/zones", response_model=ZoneReport)
async def zones(
    query: Annotated[ZonesQuery, Query()], insights: Insight, caller: AnyCaller, response: Response
) -> ZoneReport:
    """Return what is open, overdue, new and resolved by zone, against the days before.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.zones.get(query, staff=caller.is_staff)
