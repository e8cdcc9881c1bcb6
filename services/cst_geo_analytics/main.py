"""Geo-analytics' composition: its API, its worker, its projection."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.topics import REQUEST_EVENTS
from cst_geo_analytics.api import router
from cst_geo_analytics.consumers import ProjectionHandler
from cst_geo_analytics.gate import Gate
from cst_geo_analytics.marks import RowMarks
from cst_geo_analytics.rebuild import GeoProjection
from cst_geo_analytics.repository import BUILT, GeoRepository
from cst_geo_analytics.service import GeoService
from cst_http.app import ServiceApi
from cst_mongo.leases import Leases
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Work

#: How long after a rebuilder's death another takes over, in seconds.
LEASE_TTL_S = 15.0
_COLLECTIONS = [spec.name for spec in BUILT]


def _gate(core: Core, leases: Leases) -> Gate:
    return Gate(core.db, "geo", _COLLECTIONS, leases)


def _work(core: Core) -> Work:
    gate = _gate(core, Leases(core.db, ttl_s=LEASE_TTL_S))
    handler = ProjectionHandler(GeoRepository(core.db), gate)
    subscription = Subscription(REQUEST_EVENTS, handler, marks=RowMarks(core.db, gate))
    return Work([subscription], [gate.keep_open])


def _projection(core: Core) -> GeoProjection:
    leases = Leases(core.db, ttl_s=LEASE_TTL_S)
    return GeoProjection(core, _gate(core, leases), leases)


@dataclass(frozen=True, slots=True)
class _Api:
    heatmaps: GeoService


def _api(core: Core) -> _Api:
    return _Api(GeoService(core))


API = ServiceApi("geo_analytics", router, lambda core, _: _api(core))
WORKER = ServiceWorker("geo", _work)
PROJECTIONS = (ProjectionSpec("geo", ", ".join(_COLLECTIONS), _projection),)
