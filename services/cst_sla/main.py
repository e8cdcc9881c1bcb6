"""SLA's composition: its API and its worker."""

from __future__ import annotations

from cst_contracts.topics import REQUEST_EVENTS
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.worker import ServiceWorker, Subscription, Work
from cst_sla.api import router
from cst_sla.consumers import ClockHandler
from cst_sla.service import SlaService


def _work(core: Core) -> Work:
    service = SlaService(core)
    return Work([Subscription(REQUEST_EVENTS, ClockHandler(service))], [service.run_clocks])


API = ServiceApi("sla", router, lambda core, _: SlaService(core))
WORKER = ServiceWorker("sla", _work)
