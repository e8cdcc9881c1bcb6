"""Requests brought to a state, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cst_testkit.apps import Api

Reach = Callable[..., Awaitable[str]]


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
