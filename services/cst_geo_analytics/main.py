"""Geo-analytics' composition: its API, its worker, its projection."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from cst_contracts.topics import REQUEST_EVENTS
from cst_geo_analytics.api import router
from cst_geo_analytics.api.deps import FeedParts, MapParts
from cst_geo_analytics.city_map import CityMap
from cst_geo_analytics.consumers import ProjectionHandler, place_of
from cst_geo_analytics.heatmap.pictures import Pictures
from cst_geo_analytics.heatmap.service import Heatmaps
from cst_geo_analytics.insights.service import Insights
from cst_geo_analytics.live.service import LiveMap
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.marks import RowMarks
from cst_geo_analytics.projections.rebuild import GeoProjection
from cst_geo_analytics.projections.stores import BUILT, ProjectionStore
from cst_geo_analytics.projections.upkeep import Upkeep
from cst_geo_analytics.snapshots.feeds import NamedFeeds
from cst_geo_analytics.snapshots.maker import SnapshotMaker
from cst_geo_analytics.snapshots.schedule import SnapshotSchedule
from cst_geo_analytics.snapshots.service import Snapshots
from cst_http.app import ServiceApi
from cst_mongo.leases import Leases
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Work

#: How long after a rebuilder's death another takes over, in seconds.
LEASE_TTL_S = 15.0
#: Events in one batch and in one transaction. Of a request's steps that come together only the last
#: counts, and of a sum's changes only what is left of them: it halves the time to catch up. A
#: transaction has those of one part of the city, so two workers seldom meet where a batch has many.
BATCH, CHUNK = 5_000, 1_000
_COLLECTIONS = [spec.name for spec in BUILT]


def _gate(core: Core, leases: Leases) -> Gate:
    return Gate(core.db, "geo", _COLLECTIONS, leases)


def _work(core: Core) -> Work:
    gate = _gate(core, Leases(core.db, ttl_s=LEASE_TTL_S))
    marks = RowMarks(core.db, gate)
    store = ProjectionStore(core.db)
    handler = ProjectionHandler(store, gate, marks, core.catalog)
    subscription = Subscription(
        REQUEST_EVENTS, handler, marks=marks, chunk=CHUNK, batch=BATCH, near=place_of
    )
    snapshots = Snapshots(core, SnapshotMaker(Heatmaps(core, gate)))
    upkeep = Upkeep(store, _projection(core))
    schedule = SnapshotSchedule(core, snapshots)
    return Work([subscription], [gate.keep_open, upkeep.sweep, upkeep.renew, schedule.run])


def feed_parts(core: Core, heatmaps: Heatmaps | None = None) -> FeedParts:
    """Return the use cases of named feeds, for routes and commands."""
    maker = SnapshotMaker(heatmaps or heatmaps_of(core))
    return FeedParts(NamedFeeds(core, maker), Snapshots(core, maker))


def heatmaps_of(core: Core) -> Heatmaps:
    """Return the use case of the heatmap, with a cache of its own process."""
    return Heatmaps(core, _gate(core, Leases(core.db, ttl_s=LEASE_TTL_S)))


def _projection(core: Core) -> GeoProjection:
    leases = Leases(core.db, ttl_s=LEASE_TTL_S)
    return GeoProjection(core, _gate(core, leases), leases)


@dataclass(frozen=True, slots=True)
class _Api:
    heatmaps: Heatmaps
    pictures: Pictures
    maps: MapParts
    live: LiveMap
    feeds: FeedParts
    insights: Insights


def _api(core: Core) -> _Api:
    heatmaps, maps = heatmaps_of(core), MapParts(CityMap(core))
    feeds = feed_parts(core, heatmaps)
    return _Api(heatmaps, Pictures(core), maps, LiveMap(core), feeds, Insights(core))


def _running(built: _Api) -> AbstractAsyncContextManager[None]:
    return built.live.running()


API = ServiceApi("geo_analytics", router, lambda core, _: _api(core), running=_running)
WORKER = ServiceWorker("geo", _work)
PROJECTIONS = (ProjectionSpec("geo", ", ".join(_COLLECTIONS), _projection),)
