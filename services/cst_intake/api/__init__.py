"""Intake's routes."""

from fastapi import APIRouter

from cst_http.responses import PROBLEMS
from cst_intake.api import citizens, comments, evidence, moderation, nearby, ratings, requests

router = APIRouter(tags=["intake"], responses=PROBLEMS)
# `/requests/nearby` comes first, or it would be taken for a request's number.
for part in (nearby, requests, comments, evidence, moderation, citizens, ratings):
    router.include_router(part.router)
