"""What the routes of zones, clusters, surges, trends, risk and equity answer with."""

from __future__ import annotations

from cst_geo_analytics.insights.answers import Answers
from cst_geo_analytics.insights.clusters import ClusterService
from cst_geo_analytics.insights.equity import EquityService
from cst_geo_analytics.insights.risk import RiskService
from cst_geo_analytics.insights.surges import SurgeService
from cst_geo_analytics.insights.trends import TrendService
from cst_geo_analytics.insights.zones import ZoneService
from cst_process.core import Core


class Insights:
    """One of each use case, with what it has answered lately."""

    def __init__(self, core: Core) -> None:
        self.zones = Answers(ZoneService(core).report)
        self.clusters = Answers(ClusterService(core).report)
        self.surges = Answers(SurgeService(core).report)
        self.trends = Answers(TrendService(core).report)
        self.risk = Answers(RiskService(core).report)
        self.equity = Answers(EquityService(core).report)
