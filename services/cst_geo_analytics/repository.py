"""Every collection of geo-analytics, for ``cst db migrate``."""

from __future__ import annotations

from cst_geo_analytics.gate import GATES
from cst_geo_analytics.heatmap_repository import FEEDS
from cst_geo_analytics.snapshot_store import PLANS
from cst_geo_analytics.stores import BUILT

SPECS = (*BUILT, FEEDS, PLANS, GATES)
