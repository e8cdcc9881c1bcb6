"""Dispatch's routes."""

from fastapi import APIRouter

from cst_dispatch.api import agents, assigning, views
from cst_http.responses import PROBLEMS

router = APIRouter(tags=["dispatch"], responses=PROBLEMS)
for part in (assigning, views, agents):
    router.include_router(part.router)
