"""Intake's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_intake.api import citizens, comments, nearby, ratings, requests

router = APIRouter(tags=["intake"], responses=PROBLEMS)
# `/requests/nearby` comes first, or it would be taken for a request's number.
for part in (nearby, requests, comments, citizens, ratings):
    router.include_router(part.router)
