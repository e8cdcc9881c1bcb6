"""Routes of the city's promises."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from cst_contracts.sla import PolicySet, PolicyVersion, ReselectCommand, Reselection
from cst_http.auth import Admin, Staff
from cst_sla.api.deps import Policies

router = APIRouter(prefix="/sla-policies")


@router.get("")
async def list_policies(policies: Policies, _: Staff) -> list[dict[str, Any]]:
    """Return the city's policies in their declared order."""
    return await policies.current()


@router.get("/versions")
async def list_versions(policies: Policies, _: Staff) -> list[PolicyVersion]:
    """Return every version of the city's policies, oldest first; ``cst city load`` makes them."""
    return await policies.versions()


@router.get("/versions/{version}")
async def get_version(
    version: Annotated[int, Path(ge=1, le=2**31 - 1)], policies: Policies, _: Staff
) -> PolicySet:
    """Return one version of the city's policies and calendars."""
    return await policies.version(version)


@router.post("/reselect")
async def reselect(command: ReselectCommand, policies: Policies, caller: Admin) -> Reselection:
    """Select the promises of open requests anew; by default only say what that would change."""
    return await policies.reselect(command, caller)
