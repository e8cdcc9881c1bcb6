"""Geo-analytics' routes."""

from fastapi import APIRouter

from cst_geo_analytics.api import clusters, equity, feeds, heatmap, live, risk, zones
from cst_geo_analytics.api import map as map_page
from cst_http.responses import PROBLEMS

router = APIRouter(tags=["analytics"], responses=PROBLEMS)
for part in (heatmap, feeds, live, zones, clusters, risk, equity):
    router.include_router(part.router, prefix="/analytics")
router.include_router(map_page.router)
