"""The map of promises about to be broken."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cst_contracts.geo_insights import RiskReport
from cst_geo_analytics.api.deps import BY_CALLER, Insight
from cst_geo_analytics.domain.insight_queries import RiskQuery
from cst_http.auth import AnyCaller

router = APIRouter()


@router.get("/sla-risk", response_model=RiskReport)
async def sla_risk(
    query: Annotated[RiskQuery, Query()], insights: Insight, caller: AnyCaller, response: Response
) -> RiskReport:
    """Return where open requests fall due next and where they are overdue, as GeoJSON.

    Everybody gets figures of what is public to the point, some seconds old; staff those of all.
    """
    response.headers.update(BY_CALLER)
    return await insights.risk.get(query, staff=caller.is_staff)
