"""Workflow's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_workflow.api import (
    actors,
    corrections,
    duplicates,
    escalation,
    field_work,
    holds,
    notices,
    rules,
    transitions,
    triage,
)

router = APIRouter(tags=["workflow"], responses=PROBLEMS)
for part in (
    transitions,
    duplicates,
    rules,
    holds,
    actors,
    triage,
    corrections,
    escalation,
    field_work,
    notices,
):
    router.include_router(part.router)
