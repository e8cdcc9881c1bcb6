"""Geo-analytics' routes."""

from fastapi import APIRouter

from cst_geo_analytics.api import heatmap
from cst_http.responses import PROBLEMS

router = APIRouter(prefix="/analytics", tags=["analytics"], responses=PROBLEMS)
for part in (heatmap,):
    router.include_router(part.router)
