"""What somebody who does not work for the city any more still has, passed on."""

from __future__ import annotations

import structlog
from bson import ObjectId

from cst_dispatch.choosing import Chooser
from cst_dispatch.domain.decisions import DISPATCH
from cst_dispatch.reassignment import Reassignment
from cst_dispatch.repository import DispatchRepository
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

log = structlog.get_logger(__name__)

#: What is passed on while the caller who deactivates somebody waits: a person has less.
AT_ONCE = 50


class Handover:
    """Passes on the open work of inactive agents."""

    def __init__(self, core: Core, chooser: Chooser | None = None) -> None:
        self._db = core.db
        self._repository = DispatchRepository(core.db)
        self._reassignment = Reassignment(core, chooser)

    async def pass_on_all(self, agent_id: ObjectId, at_most: int = 0) -> int:
        """Pass on what an inactive agent has, one request a transaction; return how many.

        Whoever is active keeps theirs. What nobody can take stays, and is tried again when the
        agent's document changes. ``at_most`` limits how many are looked at; 0 does not.
        """
        found = self._repository.open_ids(agent_id, at_most)
        ids = [row["request_id"] async for row in found]
        passed = [request_id for request_id in ids if await self._pass_on(request_id, agent_id)]
        if len(passed) < len(ids):
            left = sorted(set(ids) - set(passed))
            log.warning("nobody takes over", agent_id=str(agent_id), count=len(left), first=left[0])
        return len(passed)

    async def pass_on_first(self, agent_id: ObjectId) -> int:
        """The same for as many requests as somebody can wait for; the worker does the rest."""
        return await self.pass_on_all(agent_id, AT_ONCE)

    async def _pass_on(self, request_id: str, agent_id: ObjectId) -> bool:
        async def once(session: Session) -> bool:
            agent = await self._repository.agent(agent_id, session)
            if agent is None or agent["active"]:
                return False
            taken_by = await self._reassignment.pass_on(
                request_id, DISPATCH, session, "deactivated", agent_id
            )
            return taken_by is not None

        return await transact(self._db, once)
