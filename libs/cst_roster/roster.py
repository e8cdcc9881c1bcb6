"""Reserve and release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ReturnDocument

from cst_city.store import AGENTS, LOAD_SHARE
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Database, Session

_HAS_ROOM = {
    "$or": [{"kind": "team"}, {"$expr": {"$lt": ["$open_assignments", "$capacity"]}}],
}


def _moved(units: int, fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the update that adds ``units`` of open work and sets ``fields``."""
    opened = {"open_assignments": {"$add": ["$open_assignments", units]}}
    return [{"$set": opened | fields}, {"$set": {"load_share": LOAD_SHARE}}]


class Roster:
    """Counts of agents' open work. Teams take any amount; persons up to their capacity."""

    def __init__(self, db: Database) -> None:
        self._agents = db[AGENTS.name]

    async def find(self, agent_id: ObjectId, session: Session | None = None) -> Document | None:
        """Return an agent by its id."""
        return await self._agents.find_one({"_id": agent_id}, session=session)

    async def find_all(
        self, agent_ids: Iterable[ObjectId], session: Session
    ) -> dict[ObjectId, Document]:
        """Return agents by their ids, in one round trip; those that are none are left out."""
        wanted = list(agent_ids)
        if not wanted:
            return {}
        cursor = self._agents.find({"_id": {"$in": wanted}}, session=session)
        return {agent["_id"]: agent async for agent in cursor}

    async def coded(self, agent_code: str, session: Session | None = None) -> Document | None:
        """Return an agent by its code."""
        return await self._agents.find_one({"agent_code": agent_code}, session=session)

    async def team(self, department: str, session: Session | None = None) -> Document | None:
        """Return the department's active team (of several the first by code), or None."""
        wanted = {"kind": "team", "active": True, "department": department}
        return await self._agents.find_one(wanted, sort=[("agent_code", 1)], session=session)

    async def reserve(
        self,
        agent_id: ObjectId,
        now: datetime,
        session: Session,
        place: Sequence[float] | None = None,
    ) -> Document | None:
        """Take one unit of capacity; return the agent, or None when it is inactive or full.

        ``place`` ([lon, lat] of the work, where known) is where they are to be found from now on.
        """
        wanted: dict[str, Any] = {"_id": agent_id, "active": True, **_HAS_ROOM}
        taken: dict[str, Any] = {"last_assigned_at": now}
        if place is not None:
            taken["position"] = list(place)
        return await self._agents.find_one_and_update(
            wanted, _moved(1, taken), return_document=ReturnDocument.AFTER, session=session
        )

    async def release(self, agent_id: ObjectId, session: Session) -> Document | None:
        """Give one unit back; return the agent, or None when there is no such agent."""
        return await self._agents.find_one_and_update(
            {"_id": agent_id, "open_assignments": {"$gt": 0}},
            _moved(-1, {}),
            return_document=ReturnDocument.AFTER,
            session=session,
        )


def capacity_event(kind: str, agent: Document, by: By) -> NewEvent:
    """Return the event ``agent_reserved`` or ``agent_released`` of an agent."""
    return NewEvent(kind, by, meta={"agent_id": agent["_id"], "agent_code": agent["agent_code"]})
