"""The projection ``agents`` from the ledger: how much open work each agent has.

An agent's ``open_assignments`` is the number of requests that are assigned to them, or in progress:
capacity is taken with the step to ``assigned`` and given back with ``resolved``. The documents of
the requests are the fold of their events (``cst audit verify`` proves that), so one pass over the
open ones, by an index, counts for all agents, at one instant with the agents themselves.

Who differs is counted again alone, and set, in a transaction of their own: whoever takes or gives
back capacity writes the agent's document too, so that one of the two conflicts and is repeated.
"""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_dispatch.repository import DispatchRepository
from cst_mongo.client import Document, Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.projection import Differences

#: An agent's code, a field, what is stored there, and what is right.
Wrong = tuple[str, str, Any, Any]


class AgentLoads:
    """Checks and corrects ``open_assignments`` of persons and teams."""

    def __init__(self, core: Core) -> None:
        self._db = core.db
        self._repository = DispatchRepository(core.db)

    async def rebuild(self) -> int:
        """Correct what is wrong; return how many agents there are."""
        for agent_id in await self._wrong():
            await self._correct(agent_id)
        return await self._repository.count_agents()

    async def check(self) -> list[str]:
        """Return a line for each agent whose load is not what the ledger says."""
        found = Differences()
        for code, name, stored, right in (await self._wrong()).values():
            found.add(f"{code}: {name} is {stored}, by the ledger {right}")
        return found.lines()

    async def _wrong(self) -> dict[ObjectId, Wrong]:
        """Return what is wrong of each agent, its load before the share that follows from it."""

        async def once(session: Session) -> dict[ObjectId, Wrong]:
            loads = await self._repository.open_work(session)
            return {
                agent["_id"]: (agent["agent_code"], name, agent.get(name), right)
                for agent in await self._repository.loads(session)
                for name, right in reversed(_right(agent, loads.get(agent["_id"], 0)).items())
                if agent.get(name) != right
            }

        return await transact(self._db, once)

    async def _correct(self, agent_id: ObjectId) -> None:
        async def once(session: Session) -> None:
            count = await self._repository.open_work_of(agent_id, session)
            await self._repository.set_load(agent_id, count, session)

        await transact(self._db, once)


def _right(agent: Document, open_assignments: int) -> dict[str, float | None]:
    capacity = agent["capacity"]
    share = open_assignments / capacity if capacity else None
    return {"open_assignments": open_assignments, "load_share": share}
