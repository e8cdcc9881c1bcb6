"""Agents: persons and teams."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from cst_contracts.agents import AddLeave, AgentPage, ChangeAgent, CreateAgent
from cst_contracts.base import ObjectIdStr
from cst_contracts.documents import ServiceAgent
from cst_contracts.enums import AgentKind
from cst_dispatch.agents import agent_view
from cst_dispatch.api.deps import Agents
from cst_http.auth import Dispatching, Staff

router = APIRouter()

AgentId = Annotated[ObjectIdStr, Path()]


@router.post("/agents", status_code=201)
async def add_agent(
    command: CreateAgent, agents: Agents, _: Dispatching, response: Response
) -> ServiceAgent:
    """Add a person or a team."""
    agent = await agents.add(command)
    response.headers["Location"] = f"/agents/{agent['_id']}"
    return ServiceAgent.model_validate(agent_view(agent))


@router.get("/agents")
async def list_agents(
    agents: Agents,
    _: Staff,
    zone_id: str | None = None,
    skill: str | None = None,
    department: str | None = None,
    kind: AgentKind | None = None,
    active: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=60)] = None,
) -> AgentPage:
    """List agents by code."""
    given: dict[str, Any] = {
        "coverage.zone_ids": zone_id,
        "skills": skill,
        "department": department,
        "kind": kind,
        "active": active,
    }
    wanted = {key: value for key, value in given.items() if value is not None}
    page, after = await agents.page(wanted, cursor, limit)
    items = [ServiceAgent.model_validate(agent_view(agent)) for agent in page]
    return AgentPage(items=items, next_cursor=after)


@router.get("/agents/{agent_id}")
async def get_agent(agent_id: AgentId, agents: Agents, _: Staff) -> ServiceAgent:
    """Return an agent."""
    return ServiceAgent.model_validate(agent_view(await agents.get(agent_id)))


@router.patch("/agents/{agent_id}")
async def change_agent(
    agent_id: AgentId, command: ChangeAgent, agents: Agents, _: Dispatching
) -> ServiceAgent:
    """Change an agent, by the rules of adding one. What a deactivated one has is passed on."""
    return ServiceAgent.model_validate(agent_view(await agents.change(agent_id, command)))


@router.post("/agents/{agent_id}/leave", status_code=201)
async def add_leave(
    agent_id: AgentId, command: AddLeave, agents: Agents, _: Dispatching, response: Response
) -> ServiceAgent:
    """Add a time in which a person gets nothing, whatever the shifts say."""
    agent, leave_id = await agents.add_leave(agent_id, command)
    response.headers["Location"] = f"/agents/{agent_id}/leave/{leave_id}"
    return ServiceAgent.model_validate(agent_view(agent))


@router.delete("/agents/{agent_id}/leave/{leave_id}", status_code=204)
async def end_leave(
    agent_id: AgentId,
    leave_id: Annotated[str, Path(max_length=60)],
    agents: Agents,
    _: Dispatching,
) -> None:
    """Take a person's leave back."""
    await agents.end_leave(agent_id, leave_id)
