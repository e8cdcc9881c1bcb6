"""Workflow's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_workflow.api import actors, duplicates, holds, rules, transitions

router = APIRouter(tags=["workflow"], responses=PROBLEMS)
for part in (transitions, duplicates, rules, holds, actors):
    router.include_router(part.router)
