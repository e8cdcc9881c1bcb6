"""Geo-analytics' composition: its API and its worker."""

from __future__ import annotations

from cst_contracts.topics import REQUEST_EVENTS
from cst_geo_analytics.api import router
from cst_geo_analytics.consumers import ProjectionHandler
from cst_geo_analytics.repository import GeoRepository, RowMarks
from cst_geo_analytics.service import GeoService
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.worker import ServiceWorker, Subscription, Work


def _work(core: Core) -> Work:
    handler = ProjectionHandler(GeoRepository(core.db), core.catalog)
    return Work([Subscription(REQUEST_EVENTS, handler, marks=RowMarks(core.db))])


API = ServiceApi("geo_analytics", router, lambda core, _: GeoService(core))
WORKER = ServiceWorker("geo", _work)
