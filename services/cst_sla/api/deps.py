"""What SLA's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cst_sla.policies import PolicyAdmin


async def _policies(request: Request) -> PolicyAdmin:
    policies: PolicyAdmin = request.app.state.sla.policies
    return policies


Policies = Annotated[PolicyAdmin, Depends(_policies)]
