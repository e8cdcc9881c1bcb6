"""SLA's routes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from cst_http.auth import Staff
from cst_http.responses import PROBLEMS
from cst_process.core import Core

router = APIRouter(tags=["sla"], responses=PROBLEMS)


@router.get("/sla-policies")
async def list_policies(request: Request, _: Staff) -> list[dict[str, Any]]:
    """Return the city's policies in their declared order."""
    core: Core = request.app.state.core
    catalog = await core.catalog.get()
    return [policy.model_dump(mode="json") for policy in catalog.policies]
