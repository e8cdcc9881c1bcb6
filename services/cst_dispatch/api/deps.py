"""What dispatch's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cst_dispatch.agents import AgentService
from cst_dispatch.service import DispatchService


async def _assigning(request: Request) -> DispatchService:
    service: DispatchService = request.app.state.dispatch.assigning
    return service


async def _agents(request: Request) -> AgentService:
    agents: AgentService = request.app.state.dispatch.agents
    return agents


Assigning = Annotated[DispatchService, Depends(_assigning)]
Agents = Annotated[AgentService, Depends(_agents)]
