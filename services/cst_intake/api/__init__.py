"""Intake's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_intake.api import citizens, requests

router = APIRouter(tags=["intake"], responses=PROBLEMS)
for part in (requests, citizens):
    router.include_router(part.router)
