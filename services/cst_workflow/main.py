"""Workflow's composition: its API and its worker."""

from __future__ import annotations

from cst_contracts.topics import REQUEST_EVENTS
from cst_http.app import ServiceApi
from cst_process.core import Core
from cst_process.worker import ServiceWorker, Subscription, Work
from cst_workflow.api import router
from cst_workflow.closing import ClosingService
from cst_workflow.consumers import CHUNK, DisputeHandler, FollowHandler, TriageHandler
from cst_workflow.disputes import DisputeService
from cst_workflow.duplicates.service import DuplicateWork
from cst_workflow.holds import HoldService
from cst_workflow.triage import TriageService
from cst_workflow.use_cases import Workflow


def _work(core: Core) -> Work:
    duplicates = DuplicateWork(core)
    triage = TriageHandler(TriageService(core), duplicates)
    return Work(
        [
            Subscription(REQUEST_EVENTS, triage, chunk=CHUNK),
            Subscription(REQUEST_EVENTS, FollowHandler(duplicates), chunk=CHUNK),
            Subscription(REQUEST_EVENTS, DisputeHandler(DisputeService(core)), chunk=CHUNK),
        ],
        [HoldService(core).run, ClosingService(core).run],
    )


API = ServiceApi("workflow", router, Workflow)
WORKER = ServiceWorker("workflow", _work)
