"""Intake's composition: its API (it has no worker)."""

from __future__ import annotations

from cst_http.app import ServiceApi
from cst_intake.api import router
from cst_intake.service import IntakeService

API = ServiceApi("intake", router, IntakeService)
