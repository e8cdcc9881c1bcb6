"""Agents as documents: add, change, find, list; and their leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from bson import ObjectId
from shapely.geometry.base import BaseGeometry

from cst_city.catalog import Catalog
from cst_city.store import new_agent_fields
from cst_contracts.agents import AddLeave, ChangeAgent, CreateAgent
from cst_core.errors import Conflict, NotFound
from cst_dispatch.agent_checks import changes, checked, fence_of, problem, refusal
from cst_dispatch.domain import leave
from cst_dispatch.repository import DispatchRepository
from cst_dispatch.roster_store import RosterStore, ServiceArea
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

log = structlog.get_logger(__name__)

#: Passes on what an agent has who is not there any more; returns how much that was.
HandOver = Callable[[ObjectId], Awaitable[int]]


class AgentService:
    """Keeps the city's agents."""

    def __init__(self, core: Core, on_deactivated: HandOver | None = None) -> None:
        """``on_deactivated`` is called with an agent's id once its deactivation is stored."""
        self._core = core
        self._repository = DispatchRepository(core.db)
        self._store = RosterStore(core.db)
        self._area = ServiceArea(core.db)
        self._on_deactivated = on_deactivated

    async def add(self, command: CreateAgent) -> Document:
        """Add an agent.

        Raises:
            InvalidInput: names every field that is wrong (unknown zone, skill or department, bad
                time zone, overlapping shifts, a person without capacity, …).
            Conflict: the code is taken.
        """
        catalog = await self._core.catalog.get()
        values = command.model_dump()
        seed = checked(values, catalog, await self._area_for(values, catalog))
        agent: dict[str, Any] = {
            **seed.model_dump(mode="json"),
            **new_agent_fields(self._core.clock),
            "_id": ObjectId(),
            "load_share": 0.0 if seed.kind == "person" else None,
        }
        return await transact(self._core.db, lambda session: self._store.add(agent, session))

    async def change(self, agent_id: str, command: ChangeAgent) -> Document:
        """Change an agent, and return it as it stands afterwards.

        Raises:
            NotFound: no such agent.
            InvalidInput: names every field that would be wrong.
            Conflict: a department whose work the city takes would be without a team.
        """
        oid = ObjectId(agent_id)
        catalog = await self._core.catalog.get()

        async def once(session: Session) -> Document:
            agent = await self._store.found(oid, session)
            area = await self._area_for({**agent, **_sent(command)}, catalog)
            fields = changes(agent, command, catalog, area)
            await self._keep_a_team(agent, fields, catalog, session)
            return await self._store.change(oid, fields, session) if fields else agent

        changed = await transact(self._core.db, once)
        return await self._handed_over(changed) if command.active is False else changed

    async def add_leave(self, agent_id: str, command: AddLeave) -> tuple[Document, str]:
        """Add a time of leave; return the agent and the id of the leave.

        Raises:
            NotFound: no such agent.
            InvalidInput: names what is wrong with it, or says that teams have none.
        """
        oid, leave_id = ObjectId(agent_id), str(ObjectId())
        entry = {"leave_id": leave_id, **command.model_dump()}

        async def once(session: Session) -> Document:
            agent = await self._store.found(oid, session)
            now = self._core.clock.now()
            problems = [problem(*fault) for fault in leave.faults(command, agent["leave"], now)]
            if agent["kind"] == "team":
                problems.insert(0, problem("kind", "has no leave", "team", ["person"]))
            if problems:
                raise refusal(problems)
            rest = leave.with_new(agent["leave"], entry, now)
            return await self._store.change(oid, {"leave": rest}, session)

        return await transact(self._core.db, once), leave_id

    async def end_leave(self, agent_id: str, leave_id: str) -> None:
        """Take a time of leave back; ``NotFound`` where there is no such agent or leave."""
        oid = ObjectId(agent_id)

        async def once(session: Session) -> None:
            agent = await self._store.found(oid, session)
            rest = [entry for entry in agent["leave"] if entry["leave_id"] != leave_id]
            if len(rest) == len(agent["leave"]):
                raise NotFound(f"agent {agent_id} has no leave {leave_id}", leave_id=leave_id)
            await self._store.change(oid, {"leave": rest}, session)

        await transact(self._core.db, once)

    async def get(self, agent_id: str) -> Document:
        """Return an agent; ``NotFound`` where there is none."""
        agent = await self._repository.agent(ObjectId(agent_id))
        if agent is None:
            raise NotFound(f"no agent {agent_id}", agent_id=agent_id)
        return agent

    async def page(
        self, wanted: dict[str, Any], after: str | None, limit: int
    ) -> tuple[list[Document], str | None]:
        """Return a page of agents by code, and the code to go on after (None on the last page)."""
        found = await self._repository.agents(wanted, after, limit + 1)
        page = found[:limit]
        return page, page[-1]["agent_code"] if len(found) > limit else None

    async def _area_for(self, values: dict[str, Any], catalog: Catalog) -> list[BaseGeometry]:
        """Return the service area where it is needed: it is large, and few have a fence."""
        return await self._area.of(catalog) if fence_of(values) else []

    async def _keep_a_team(
        self, agent: Document, fields: dict[str, Any], catalog: Catalog, session: Session
    ) -> None:
        department = agent["department"]
        if not fields.keys() & {"active", "department"}:
            return
        if all(category.department != department for category in catalog.categories.values()):
            return
        if await self._store.is_last_team(agent, session):
            raise Conflict(
                f"department {department} would have no team; add another first",
                department=department,
            )

    async def _handed_over(self, agent: Document) -> Document:
        """Pass on what an inactive agent has; return the agent as it stands then."""
        if self._on_deactivated is None:
            return agent
        try:
            await self._on_deactivated(agent["_id"])
        except Exception as error:
            # The change is stored, and dispatch's worker goes on with what is left: an error now
            # would say that nothing was.
            log.error("cannot hand over at once", agent=agent["agent_code"], exc_info=error)
        return await self.get(str(agent["_id"]))


def agent_view(agent: Document) -> dict[str, Any]:
    """Return an agent as ``ServiceAgent`` reads it."""
    return {**agent, "id": str(agent["_id"])}


def _sent(command: ChangeAgent) -> dict[str, Any]:
    return command.model_dump(include=set(command.model_fields_set))
