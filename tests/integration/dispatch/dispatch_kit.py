"""What the tests of dispatch share: a city with few agents, its queue, and time that passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from app.registry import WORKERS
from cst_contracts.dispatch import AssignmentDecision
from cst_core.clock import Clock
from cst_dispatch.acceptance import Acceptance
from cst_dispatch.service import DispatchService
from cst_dispatch.working_off import QueueWork
from cst_ledger.events import Document
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.crews import ALWAYS, person, staff_only
from cst_testkit.desk import Desk
from cst_testkit.pump import Pump

#: By day on weekdays; the tests' city stands at a Tuesday noon.
AFTERNOON = [{"day": "tue", "start": "14:00", "end": "18:00"}]


@dataclass
class Dispatch:
    """A desk at a city with the agents of the test only."""

    desk: Desk

    def __post_init__(self) -> None:
        self.core = self.desk.api.core
        self.db = self.core.db
        self.pump = Pump(self.core, ["dispatch", "sla"])

    async def only(self, *agents: dict[str, Any]) -> list[dict[str, Any]]:
        """Have no other persons than these documents (see ``person``)."""
        await staff_only(self.db, agents)
        await self.pump.drain()
        return list(agents)

    async def only_quietly(self, *agents: dict[str, Any]) -> None:
        """The same, but nothing is assigned yet: only what waits has been woken."""
        await staff_only(self.db, agents)
        for watch in WORKERS["dispatch"].build(self.core).watches:
            await watch.handler.changed([str(agent["_id"]) for agent in agents])

    async def triaged(self, priority: str = "P3", **overrides: Any) -> str:
        """File a request in MN03 that is triaged with a priority."""
        request_id: str = (await self.desk.api.file(**overrides))["request_id"]
        role = "supervisor" if priority == "P1" else "dispatcher"
        answer = await self.desk.api.step(request_id, "triaged", role, priority=priority)
        assert answer.status_code == 200, answer.text
        return request_id

    async def queue(self, *request_ids: str) -> None:
        """Put requests into the queue without anybody looking at it."""
        for request_id in request_ids:
            document = await self.desk.load(request_id)
            await transact(self.db, partial(DispatchService(self.core).follow, [document]))

    async def holder(self, request_id: str) -> str | None:
        """Return the code of who has a request."""
        agent_id = (await self.desk.load(request_id))["assignment"]["assigned_agent_id"]
        found = await self.db["service_agents"].find_one({"_id": agent_id})
        return found["agent_code"] if found else None

    async def row(self, request_id: str) -> Document | None:
        """Return a request's row in the queue."""
        return await self.db["dispatch_queue"].find_one({"_id": request_id})

    async def ask(self, request_id: str, **params: Any) -> AssignmentDecision:
        """Have a request assigned on demand."""
        headers = self.desk.api.as_("dispatcher")
        path = f"/requests/{request_id}/auto-assign"
        answer = await self.desk.api.client.post(path, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return AssignmentDecision.model_validate(answer.json())

    async def patch(self, agent: dict[str, Any], **changes: Any) -> None:
        """Change an agent as a dispatcher does."""
        headers = self.desk.api.as_("dispatcher")
        path = f"/agents/{agent['_id']}"
        answer = await self.desk.api.client.patch(path, json=changes, headers=headers)
        assert answer.status_code == 200, answer.text

    async def done(self, request_id: str) -> None:
        """Begin and end the work of a request."""
        for step, fields in (("in_progress", {}), ("resolved", {"resolution_code": "fixed"})):
            answer = await self.desk.api.step(request_id, step, **fields)
            assert answer.status_code == 200, answer.text

    def set_with(self, **settings: Any) -> Core:
        """Return the core under other settings."""
        return replace(self.core, settings=self.core.settings.model_copy(update=settings))

    def at(self, hour: int, minute: int = 0, *, days: int = 0) -> Core:
        """Return the core at a local time of the test's Tuesday, or of days later."""
        midnight = datetime(2026, 3, 3, tzinfo=ZoneInfo("America/New_York"))
        at = midnight + timedelta(days=days, hours=hour, minutes=minute)
        return replace(self.core, clock=Clock(start=at, rate=0, anchor=at))


def crew(number: int, **overrides: Any) -> dict[str, Any]:
    """Return somebody for potholes of MN03 around the clock, with room for one."""
    fields = {"coverage": {"zone_ids": ["MN03"], "geo_fence": None}, "capacity": 1}
    return person(number, **{**fields, **overrides})


def shifts(rows: list[dict[str, str]], *, on_call: bool = False) -> dict[str, Any]:
    return {"timezone": "America/New_York", "shifts": rows, "on_call": on_call}


async def work_off(core: Core) -> int:
    """Let the queue be looked at once."""
    return await QueueWork(core).work_off()


async def pass_on_due(core: Core) -> int:
    """Let work that was not begun in time be passed on."""
    return await Acceptance(core).pass_on_due()


__all__ = ["AFTERNOON", "ALWAYS", "Dispatch", "crew", "pass_on_due", "shifts", "work_off"]
