"""What geo-analytics' routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cst_geo_analytics.service import GeoService


async def _heatmaps(request: Request) -> GeoService:
    service: GeoService = request.app.state.geo_analytics.heatmaps
    return service


Heatmaps = Annotated[GeoService, Depends(_heatmaps)]
