"""Intake's composition: its API (it has no worker)."""

from __future__ import annotations

from cst_http.app import ServiceApi
from cst_intake.api import router
from cst_intake.use_cases import Intake

API = ServiceApi("intake", router, Intake)
