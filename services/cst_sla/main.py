"""SLA's composition: its API, its worker, its projections."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.topics import REQUEST_EVENTS
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Work
from cst_sla.api import router
from cst_sla.consumers import ClockHandler, NoticeHandler
from cst_sla.kpis.facts import Facts
from cst_sla.kpis.service import KpiService
from cst_sla.notices import NoticeService
from cst_sla.policies import PolicyAdmin
from cst_sla.projections import Clocks, InPlace, Kpis
from cst_sla.repository import SlaRepository
from cst_sla.service import SlaService
from cst_sla.webhooks import WebhookSender


def _work(core: Core) -> Work:
    service, notices = SlaService(core), NoticeService(core)
    subscriptions = [
        Subscription(REQUEST_EVENTS, ClockHandler(service)),
        Subscription(REQUEST_EVENTS, NoticeHandler(notices)),
    ]
    loops = [service.run_clocks, notices.run_notices, WebhookSender(core).run_webhooks]
    return Work(subscriptions, loops)


def _clocks(core: Core) -> InPlace:
    repository = SlaRepository(core.db)
    return InPlace(core, repository, Clocks(repository))


def _kpis(core: Core) -> InPlace:
    repository = SlaRepository(core.db)
    return InPlace(core, repository, Kpis(repository))


def _facts(core: Core) -> InPlace:
    return InPlace(core, SlaRepository(core.db), Facts(core))


@dataclass(frozen=True, slots=True)
class _Api:
    policies: PolicyAdmin
    kpis: KpiService


API = ServiceApi("sla", router, lambda core, _: _Api(PolicyAdmin(core), KpiService(core)))
WORKER = ServiceWorker("sla", _work)
PROJECTIONS = (
    ProjectionSpec("clocks", "sla_clocks", _clocks),
    ProjectionSpec("kpis", "computed_kpis in performance_logs", _kpis),
    ProjectionSpec("facts", "kpi_facts", _facts),
)
