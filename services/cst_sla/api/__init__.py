"""SLA's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_sla.api import kpis, policies

router = APIRouter(tags=["sla"], responses=PROBLEMS)
for part in (policies, kpis):
    router.include_router(part.router)
