"""Dispatch's composition: its API, its worker, its projection."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.topics import REQUEST_EVENTS
from cst_dispatch.agents import AgentService
from cst_dispatch.api import router
from cst_dispatch.consumers import CHUNK, AssignHandler
from cst_dispatch.projections import AgentLoads
from cst_dispatch.reassignment import Reassignment
from cst_dispatch.service import DispatchService
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Work


@dataclass(frozen=True, slots=True)
class _Api:
    assigning: DispatchService
    agents: AgentService


def _work(core: Core) -> Work:
    service = DispatchService(core)
    handler = AssignHandler(service, Reassignment(core))
    return Work([Subscription(REQUEST_EVENTS, handler, chunk=CHUNK)], [service.run_queue])


API = ServiceApi(
    "dispatch", router, lambda core, _: _Api(DispatchService(core), AgentService(core))
)
WORKER = ServiceWorker("dispatch", _work)
PROJECTIONS = (ProjectionSpec("agents", "open_assignments in service_agents", AgentLoads),)
