"""Dispatch's composition: its API, its worker, its projection."""

from __future__ import annotations

from dataclasses import dataclass

from cst_contracts.topics import AGENT_STATE, REQUEST_EVENTS
from cst_dispatch import follow_ups
from cst_dispatch.acceptance import ACCEPTANCE, Acceptance
from cst_dispatch.agents import AgentService
from cst_dispatch.api import router
from cst_dispatch.choosing import Chooser
from cst_dispatch.consumers import CHUNK, AssignHandler, RosterHandler
from cst_dispatch.handover import Handover
from cst_dispatch.manual import ManualAssignment
from cst_dispatch.projections import AgentLoads
from cst_dispatch.queue import QUEUE
from cst_dispatch.service import DispatchService
from cst_dispatch.views import DispatchViews
from cst_dispatch.waiting import WaitingList
from cst_dispatch.working_off import QueueWork
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.projection import ProjectionSpec
from cst_process.worker import ServiceWorker, Subscription, Watch, Work


@dataclass(frozen=True, slots=True)
class _Api:
    assigning: DispatchService
    manual: ManualAssignment
    waiting: WaitingList
    agents: AgentService
    views: DispatchViews


def _api(core: Core) -> _Api:
    chooser = Chooser(core)
    return _Api(
        DispatchService(core, chooser),
        ManualAssignment(core, chooser),
        WaitingList(core),
        AgentService(core, Handover(core, chooser).pass_on_first),
        DispatchViews(core),
    )


def _work(core: Core) -> Work:
    chooser = Chooser(core)
    return Work(
        [Subscription(REQUEST_EVENTS, AssignHandler(core, chooser), chunk=CHUNK)],
        [QueueWork(core, chooser).run, Acceptance(core, chooser).run],
        [Watch(AGENT_STATE, RosterHandler(core, chooser))],
    )


API = ServiceApi("dispatch", router, lambda core, _: _api(core))
WORKER = ServiceWorker("dispatch", _work)
PROJECTIONS = (
    ProjectionSpec("agents", "open_assignments in service_agents", AgentLoads),
    ProjectionSpec("queue", QUEUE.name, follow_ups.queue),
    ProjectionSpec("acceptance", ACCEPTANCE.name, follow_ups.acceptance),
)
