"""Every collection of geo-analytics, for ``cst db migrate``."""

from __future__ import annotations

from cst_geo_analytics.heatmap.repository import FEEDS
from cst_geo_analytics.projections.gate import GATES
from cst_geo_analytics.projections.stores import BUILT
from cst_geo_analytics.snapshots.store import PLANS

SPECS = (*BUILT, FEEDS, PLANS, GATES)
