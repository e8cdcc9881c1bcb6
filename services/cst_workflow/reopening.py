"""Reopening: work that was thought done goes on, with a holder who is charged with it."""

from __future__ import annotations

from bson import ObjectId

from cst_core.clock import to_ms
from cst_core.errors import Conflict, InvalidInput
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster, capacity_event
from cst_rules import paused
from cst_workflow.domain.unmerging import ended_at


class Reopening:
    """Finds who takes up resolved work, and says what happens to the request."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._roster = Roster(core.db)

    async def events(
        self,
        document: Document,
        by: By,
        reason: str | None,
        session: Session,
        *,
        agent_id: ObjectId | None = None,
    ) -> list[NewEvent]:
        """Reserve a holder within ``session``; return the events of a resolved request's reopening.

        The work goes to ``agent_id``, else to who had it, else to the department's team. The clock
        goes on where it stopped.

        Raises:
            InvalidInput: ``agent_id`` is no agent.
            Conflict: nobody has room.
        """
        holder = await self._holder(document, agent_id, session)
        now = to_ms(self._core.clock.now())
        stopped = ended_at(document) or now
        event = NewEvent(
            "in_progress",
            by,
            changes={
                "status": "in_progress",
                "assignment.assigned_agent_id": holder["_id"],
                **paused(document, stopped, now),
            },
            meta={"reopened": True},
            message=reason,
        )
        return [capacity_event("agent_reserved", holder, by), event]

    async def _holder(
        self, document: Document, agent_id: ObjectId | None, session: Session
    ) -> Document:
        now = self._core.clock.now()
        wanted = agent_id or document["assignment"]["assigned_agent_id"]
        if agent_id is not None and await self._roster.find(agent_id, session) is None:
            raise InvalidInput.field("assigned_agent_id", "is not an agent", str(agent_id))
        if wanted is not None:
            holder = await self._roster.reserve(wanted, now, session)
            if holder is not None:
                return holder
        if agent_id is None and (team := await self._team(document, session)) is not None:
            holder = await self._roster.reserve(team["_id"], now, session)
            if holder is not None:
                return holder
        raise Conflict(f"nobody has room to take up {document['request_id']} again")

    async def _team(self, document: Document, session: Session) -> Document | None:
        category = (await self._core.catalog.get()).categories.get(document["category"])
        return None if category is None else await self._roster.team(category.department, session)
