"""What the tests of the lifecycle share: staff at a desk, passing time, what must not change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx

from cst_core.clock import Clock
from cst_ledger.events import Document
from cst_ledger.reader import events_of
from cst_ledger.verify import verify_all
from cst_process.core import Core
from cst_testkit.apps import Api

WAY = ("new", "triaged", "assigned", "in_progress", "resolved", "closed")


@dataclass
class Desk:
    """Staff at one API. No worker runs but what a test carries along."""

    api: Api

    async def use_rules(self, version: str) -> None:
        """Bind the city's new requests to a version of the rules."""
        changed = {"spec.rules_version": version, "fingerprint": f"rules {version}"}
        await self.api.core.db["cities"].update_one({}, {"$set": changed})
        self.api.core.catalog._catalog = None

    async def hire(self, **overrides: Any) -> dict[str, Any]:
        """Add an agent of lower Manhattan's roads and return it."""
        return await self.api.hire(**overrides)

    async def reach(
        self, status: str, agent: dict[str, Any] | None = None, **overrides: Any
    ) -> str:
        """File a request, take it up to ``status``, and return its id."""
        request_id: str = (await self.api.file(**overrides))["request_id"]
        steps = WAY[1 : WAY.index(status) + 1]
        if "assigned" in steps and agent is None:
            agent = await self.hire()
        for step in steps:
            needed: dict[str, dict[str, Any]] = {
                "assigned": {"assigned_agent_id": (agent or {}).get("id")},
                "resolved": {"resolution_code": "fixed"},
            }
            fields = needed.get(step, {})
            answer = await self.api.step(request_id, step, **fields)
            assert answer.status_code == 200, answer.text
        return request_id

    async def post(
        self, path: str, *roles: str, subject: str = "tester", **body: Any
    ) -> httpx.Response:
        """Send a command, as a dispatcher unless ``roles`` say otherwise."""
        headers = self.api.as_(*(roles or ("dispatcher",)), subject=subject)
        return await self.api.client.post(path, json=body, headers=headers)

    async def get(self, path: str, *roles: str, **params: Any) -> httpx.Response:
        """Read, as an auditor unless ``roles`` say otherwise."""
        headers = self.api.as_(*(roles or ("auditor",)))
        return await self.api.client.get(path, params=params, headers=headers)

    async def hold(self, request_id: str, *roles: str, days: float = 2, **body: Any) -> Any:
        """Hold a request for some days, for the weather unless ``body`` says otherwise."""
        until = (self.api.core.clock.now() + timedelta(days=days)).isoformat()
        wanted = {"reason": "weather", "until": until} | body
        return await self.post(f"/requests/{request_id}/hold", *roles, **wanted)

    async def load(self, request_id: str) -> Document:
        return await self.api.core.ledger("test").load(request_id)

    async def events(self, request_id: str) -> list[Document]:
        """Return the stored events of a request."""
        return await events_of(self.api.core.db, (await self.load(request_id))["_id"])

    async def types(self, request_id: str) -> list[str]:
        return [event["type"] for event in await self.events(request_id)]

    async def load_of(self, agent: dict[str, Any]) -> int:
        """Return how much open work an agent has."""
        answer = await self.get(f"/agents/{agent['id']}")
        count: int = answer.json()["open_assignments"]
        return count

    def later(self, **span: float) -> Core:
        """Return the core as it is a while later, its clock standing still."""
        at = self.api.core.clock.now() + timedelta(**span)
        return replace(self.api.core, clock=Clock(start=at, rate=0, anchor=at))

    @asynccontextmanager
    async def untouched(self, request_id: str) -> AsyncIterator[None]:
        """Check that document and events are afterwards what they were before."""
        before, events = await self.load(request_id), await self.events(request_id)
        yield
        assert await self.load(request_id) == before
        assert await self.events(request_id) == events

    async def assert_every_history_holds(self) -> None:
        """Every chain holds, and every document is what its events say."""
        async for verdict in verify_all(self.api.core.db):
            assert verdict.problems == []


def fields_of(answer: httpx.Response) -> list[str]:
    """Return the fields that a problem names."""
    return [error["field"] for error in answer.json()["errors"]]
