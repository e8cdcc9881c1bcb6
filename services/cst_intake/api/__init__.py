"""Intake's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_intake.api import requests

router = APIRouter(tags=["intake"], responses=PROBLEMS)
for part in (requests,):
    router.include_router(part.router)
