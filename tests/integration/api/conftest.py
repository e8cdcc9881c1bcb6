"""Agents with room, and requests brought to a state, for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cst_testkit.apps import Api

#: A roads agent of lower Manhattan on weekday day shifts; keyword arguments replace fields.
AgentBody = Callable[..., dict[str, Any]]
Hire = Callable[..., Awaitable[dict[str, Any]]]
Reach = Callable[..., Awaitable[str]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def agent_body() -> AgentBody:
    """Return the body of a valid new agent."""

    def body(**overrides: Any) -> dict[str, Any]:
        shifts = [
            {"day": day, "start": "08:00", "end": "16:00"}
            for day in ("mon", "tue", "wed", "thu", "fri")
        ]
        valid: dict[str, Any] = {
            "agent_code": f"TEST-{next(_numbers)}",
            "name": "Tess Ting",
            "department": "DOT",
            "skills": ["roads"],
            "coverage": {"zone_ids": ["MN03"]},
            "schedule": {"timezone": "America/New_York", "shifts": shifts},
            "capacity": 3,
        }
        return valid | overrides

    return body


@pytest.fixture
def hire(api: Api, agent_body: AgentBody) -> Hire:
    """Add an agent and return it."""

    async def hired(**overrides: Any) -> dict[str, Any]:
        answer = await api.client.post(
            "/agents", json=agent_body(**overrides), headers=api.as_("admin")
        )
        assert answer.status_code == 201, answer.text
        agent: dict[str, Any] = answer.json()
        return agent

    return hired


@pytest.fixture
def reach(api: Api) -> Reach:
    """File a request, take it along its lifecycle up to ``status``, and return its id."""

    async def reached(status: str, agent_id: str | None = None, **overrides: Any) -> str:
        request_id: str = (await api.file(**overrides))["request_id"]
        fields = {
            "assigned": {"assigned_agent_id": agent_id},
            "resolved": {"resolution_code": "fixed"},
        }
        path = ("new", "triaged", "assigned", "in_progress", "resolved", "closed")
        for step in path[1 : path.index(status) + 1]:
            answer = await api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text
        return request_id

    return reached
