"""What the tests of triage share: reports at places of their own, staff's commands, checks."""

from __future__ import annotations

import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from bson import ObjectId

from cst_geo.points import EARTH_RADIUS_M
from cst_ledger.events import Document, NewEvent
from cst_ledger.reader import events_of
from cst_ledger.verify import verify_one
from cst_rules import paused
from cst_testkit.apps import DOWNTOWN, Api
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump

_numbers = itertools.count(1)
#: Staff who may do whatever the test is not about.
CHIEF = ("supervisor",)


def fresh_place() -> dict[str, Any]:
    """Return a ``location`` in zone MN03 that no other report has."""
    number = next(_numbers)
    degree = math.pi * EARTH_RADIUS_M / 180
    lon, lat = DOWNTOWN
    east, north = 60 * (number % 10), 60 * (number // 10)
    where = [lon + east / (degree * math.cos(math.radians(lat))), lat + north / degree]
    return {"type": "Point", "coordinates": where}


@dataclass
class Office:
    """Staff and citizens at one API, with workflow's worker carried along by hand."""

    api: Api
    pump: Pump

    async def file(self, **overrides: Any) -> str:
        """File a report and return its number."""
        return str((await self.filed(**overrides))["request_id"])

    async def filed(self, *roles: str, **overrides: Any) -> dict[str, Any]:
        """File a report, anonymously unless ``roles`` say otherwise; return the answer."""
        body = {"category": "pothole", "description": "A hole", "location": fresh_place()}
        answer = await self.post("/requests/", *roles, **(body | overrides))
        assert answer.status_code == 201, answer.text
        filed: dict[str, Any] = answer.json()
        return filed

    async def triaged(self, **overrides: Any) -> str:
        """File a report and let the worker have it."""
        request_id = await self.file(**overrides)
        await self.pump.drain()
        return request_id

    async def reach(self, status: str, **overrides: Any) -> str:
        """File a report and take it to ``status`` with the roads team."""
        request_id = await self.file(**overrides)
        team = await self.api.core.db["service_agents"].find_one({"agent_code": "DOT-TEAM"})
        assert team is not None
        fields = {
            "assigned": {"assigned_agent_id": str(team["_id"])},
            "resolved": {"resolution_code": "fixed"},
        }
        path = ("new", "triaged", "assigned", "in_progress", "resolved", "closed")
        for step in path[1 : path.index(status) + 1]:
            answer = await self.api.step(request_id, step, **fields.get(step, {}))
            assert answer.status_code == 200, answer.text
        return request_id

    async def post(self, path: str, *roles: str, subject: str = "tester", **body: Any) -> Any:
        """Send a command as somebody with ``roles``, as nobody without any."""
        headers = self.api.as_(*roles, subject=subject) if roles else {}
        return await self.api.client.post(path, json=body, headers=headers)

    async def act(
        self, request_id: str, what: str, *roles: str, subject: str = "tester", **body: Any
    ) -> httpx.Response:
        """Send a command about a request, as a supervisor unless ``roles`` say otherwise."""
        path = f"/requests/{request_id}/{what}"
        answer = await self.post(path, *(roles or CHIEF), subject=subject, **body)
        assert isinstance(answer, httpx.Response)
        return answer

    async def done(self, request_id: str, what: str, *roles: str, **body: Any) -> dict[str, Any]:
        """Send a command that must succeed; return the answer."""
        answer = await self.act(request_id, what, *roles, **body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, *roles: str, **query: Any) -> dict[str, Any]:
        """Read something, as a dispatcher unless ``roles`` say otherwise."""
        headers = self.api.as_(*(roles or ("dispatcher",)))
        answer = await self.api.client.get(path, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def load(self, request_id: str) -> Document:
        return await self.api.core.ledger("test").load(request_id)

    async def events(self, request_id: str) -> list[Document]:
        """Return the stored events of a request."""
        return await events_of(self.api.core.db, (await self.load(request_id))["_id"])

    async def types(self, request_id: str) -> list[str]:
        return [event["type"] for event in await self.events(request_id)]

    async def notices(self, request_id: str) -> list[Document]:
        """Return the notices about a request."""
        cursor = self.api.core.db["notices"].find({"request_id": request_id})
        return await cursor.sort("_id", 1).to_list()

    async def open_roles(self, request_id: str) -> set[str]:
        """Return whom the open notices about a request concern."""
        found = [row for row in await self.notices(request_id) if row["open"]]
        return {role for row in found for role in row["roles"]}

    async def pin(self, request_id: str, version: str) -> None:
        """Bind a request to a rule set, by the event that says so."""
        rules = self.api.core.rules.version(version)

        def decide(document: Document) -> list[NewEvent]:
            changes = {
                "workflow.transition_rules_version": version,
                "workflow.allowed_next": rules.allowed_next(document["status"]),
            }
            meta = {"from_version": "v1.0", "to_version": version}
            return [NewEvent("rules_changed", SYSTEM, changes=changes, meta=meta)]

        await self.api.core.ledger("workflow").record(request_id, decide)

    async def hold(self, request_id: str) -> None:
        """Put a request on hold, by the event that says so."""
        now = self.api.core.clock.now()
        hold = {"reason": "weather", "since": now, "until": now + timedelta(days=1)}
        event = NewEvent(
            "held",
            SYSTEM,
            changes={"workflow.hold": hold},
            meta={"reason": "weather", "until": hold["until"]},
        )
        await self.api.core.ledger("workflow").record(request_id, lambda _: [event])

    async def dispute(self, request_id: str) -> None:
        """Let the citizen say that the work is not done, by the event that says so."""
        dispute = {"at": self.api.core.clock.now(), "reason_codes": ["not_fixed"]}
        event = NewEvent(
            "disputed",
            SYSTEM,
            changes={"dispute": dispute},
            meta={"reason_codes": ["not_fixed"]},
        )
        await self.api.core.ledger("intake").record(request_id, lambda _: [event])

    async def slept(self, request_id: str, hours: int) -> None:
        """Let a request have been on hold for so long, by the events that say so."""
        seconds = hours * 3600
        now = self.api.core.clock.now()
        held = NewEvent(
            "held",
            SYSTEM,
            changes={"workflow.hold": {"reason": "weather", "since": now, "until": now}},
            meta={"reason": "weather", "until": now},
        )

        def resumed(document: Document) -> list[NewEvent]:
            changes = {
                "workflow.hold": None,
                **paused(document, now, now + timedelta(hours=hours)),
            }
            meta = {"reason": "weather", "held_seconds": seconds, "expired": True}
            return [held, NewEvent("resumed", SYSTEM, changes=changes, meta=meta)]

        await self.api.core.ledger("workflow").record(request_id, resumed)

    async def hired(self, code: str, **overrides: Any) -> dict[str, Any]:
        """Add a roads agent and return it."""
        return await self.api.hire(agent_code=code, **{"capacity": 1, **overrides})

    async def load_of(self, agent_id: str) -> int:
        """Return how many units of an agent's capacity are taken."""
        agent = await self.api.core.db["service_agents"].find_one({"_id": ObjectId(agent_id)})
        assert agent is not None
        return int(agent["open_assignments"])

    async def assert_sound(self, request_id: str) -> None:
        """The chain holds and the document is what its events say."""
        verdict = await verify_one(self.api.core.db, request_id)
        assert verdict.ok, verdict.problems

    @asynccontextmanager
    async def untouched(self, *request_ids: str) -> AsyncIterator[None]:
        """Check that what happens inside changes neither requests, their events nor notices."""
        before = [await self._all_of(request_id) for request_id in request_ids]
        stored = await self.api.stored()
        yield
        assert [await self._all_of(request_id) for request_id in request_ids] == before
        assert await self.api.stored() == stored

    async def _all_of(self, request_id: str) -> tuple[Any, ...]:
        return (
            await self.load(request_id),
            await self.events(request_id),
            await self.notices(request_id),
        )


def problem(answer: httpx.Response, status: int, *names: str) -> dict[str, Any]:
    """Return the problem, which must have this status and these wrong fields."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    found = {error["field"] for error in body.get("errors", [])}
    assert set(names) <= found, body
    return body
