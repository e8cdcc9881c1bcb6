"""Workflow's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_workflow.api import transitions

router = APIRouter(tags=["workflow"], responses=PROBLEMS)
for part in (transitions,):
    router.include_router(part.router)
