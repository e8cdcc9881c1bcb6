"""SLA's composition: its API, its worker, its projections."""

from __future__ import annotations

from cst_contracts.topics import REQUEST_EVENTS
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Work
from cst_sla.api import router
from cst_sla.consumers import ClockHandler
from cst_sla.projections import Clocks, InPlace, Kpis
from cst_sla.repository import SlaRepository
from cst_sla.service import SlaService


def _work(core: Core) -> Work:
    service = SlaService(core)
    return Work([Subscription(REQUEST_EVENTS, ClockHandler(service))], [service.run_clocks])


def _clocks(core: Core) -> InPlace:
    repository = SlaRepository(core.db)
    return InPlace(core, repository, Clocks(repository))


def _kpis(core: Core) -> InPlace:
    repository = SlaRepository(core.db)
    return InPlace(core, repository, Kpis(repository))


API = ServiceApi("sla", router, lambda core, _: SlaService(core))
WORKER = ServiceWorker("sla", _work)
PROJECTIONS = (
    ProjectionSpec("clocks", "sla_clocks", _clocks),
    ProjectionSpec("kpis", "computed_kpis in performance_logs", _kpis),
)
