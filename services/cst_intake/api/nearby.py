"""The route that shows what is open around a point."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cst_contracts.duplicates import NearbyRequests
from cst_http.auth import AnyCaller
from cst_intake.api.deps import UseCases
from cst_intake.nearby import NearbyQuery

router = APIRouter()


@router.get("/requests/nearby")
async def nearby(
    query: Annotated[NearbyQuery, Query()], use_cases: UseCases, caller: AnyCaller
) -> NearbyRequests:
    """Return what is open around a point, nearest first, before you file another report of it."""
    return await use_cases.nearby.nearby(query, caller)
