"""What dispatch's routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from cst_dispatch.agents import AgentService
from cst_dispatch.manual import ManualAssignment
from cst_dispatch.service import DispatchService
from cst_dispatch.waiting import WaitingList


async def _assigning(request: Request) -> DispatchService:
    service: DispatchService = request.app.state.dispatch.assigning
    return service


async def _manual(request: Request) -> ManualAssignment:
    manual: ManualAssignment = request.app.state.dispatch.manual
    return manual


async def _waiting(request: Request) -> WaitingList:
    waiting: WaitingList = request.app.state.dispatch.waiting
    return waiting


async def _agents(request: Request) -> AgentService:
    agents: AgentService = request.app.state.dispatch.agents
    return agents


Assigning = Annotated[DispatchService, Depends(_assigning)]
Manual = Annotated[ManualAssignment, Depends(_manual)]
Waiting = Annotated[WaitingList, Depends(_waiting)]
Agents = Annotated[AgentService, Depends(_agents)]
