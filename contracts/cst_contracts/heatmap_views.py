"""The heatmap's answers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cst_contracts.base import Instant, Wire
from cst_contracts.documents import Aggregation, FeatureCollection


class HeatmapFeed(Wire):
    """Hexagons as GeoJSON. Each has the properties cell, count, weight, and share of the weight.

    ``filters`` repeats what was asked for. Its ``area`` says whether reports are counted that are
    public as an area only, and ``area_note`` which, or why not.
    """

    feed_name: str = Field(examples=["heatmap-public-0b0f1a6e5d4c3b2a0b0f1a6e5d4c3b2a"])
    generated_at: Instant = Field(description="Since when the figures are known to be these")
    filters: dict[str, Any]
    geojson: FeatureCollection
    aggregation: Aggregation
    etag: str


class HeatmapCells(Wire):
    """The same for maps that draw H3 themselves: each cell with its weight, and no more."""

    resolution: int
    weight_formula: str
    generated_at: Instant = Field(description="Since when the figures are known to be these")
    filters: dict[str, Any]
    cells: list[tuple[str, float]] = Field(examples=[[["882a1072b5fffff", 12]]])
    etag: str
