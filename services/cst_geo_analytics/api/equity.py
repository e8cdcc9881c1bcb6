"""The equity view."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cst_contracts.geo_insights import EquityReport
from cst_geo_analytics.api.deps import BY_CALLER, Insight
from cst_geo_analytics.domain.insight_queries import EquityQuery
from cst_http.auth import AnyCaller

router = APIRouter()


@router.get("/equity", response_model=EquityReport)
async def equity(
    query: Annotated[EquityQuery, Query()], insights: Insight, caller: AnyCaller, response: Response
) -> EquityReport:
    """Return median resolution by zone and cell with counts and confidence, as GeoJSON.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.equity.get(query, staff=caller.is_staff)
