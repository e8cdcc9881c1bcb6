"""Intake's composition: its API and its worker, which consumes nothing."""

from __future__ import annotations

from cst_http.app import ServiceApi
from cst_intake.api import router
from cst_intake.api.evidence import file_routes
from cst_intake.privacy import VisibilityService
from cst_intake.use_cases import Intake
from cst_process.core import Core
from cst_process.worker import ServiceWorker, Work


def _work(core: Core) -> Work:
    return Work(loops=[VisibilityService(core).run])


API = ServiceApi("intake", router, Intake, file_routes)
WORKER = ServiceWorker("intake", _work)
