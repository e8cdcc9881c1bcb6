"""Query parameters of the analytics routes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cst_city.filters import RequestFilters


class HeatmapQuery(RequestFilters):
    """Query parameters of the heatmap."""

    resolution: int = Field(default=8, ge=5, le=10, description="H3 resolution")
    bbox: str | None = Field(default=None, description="west,south,east,north in degrees")
    weight: Literal["count", "priority"] = "count"
