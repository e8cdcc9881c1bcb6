"""Dispatch's queries: agents, and their open work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING
from pymongo.asynchronous.cursor import AsyncCursor

from cst_city.store import AGENTS, agent_update
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session

#: A request in one of these takes a unit of its agent's capacity.
WORK = ("assigned", "in_progress")
#: How many persons with room a decision compares: of more equally loaded ones those that have had
#: nothing for longest.
LOOKED_AT = 32
#: Up to so many persons are looked up by their ids, more by the index of loads.
BY_ID = 300
#: What a decision looks at of a person.
_FIELDS = (
    "agent_code",
    "capacity",
    "open_assignments",
    "last_assigned_at",
    "position",
    "coverage",
    "skills",
)
_LEAST_LOADED = (
    ("load_share", ASCENDING),
    ("last_assigned_at", ASCENDING),
    ("agent_code", ASCENDING),
)
#: What the roster says of an agent.
_ROSTER = ("kind", "active", "skills", "coverage", "schedule", "leave", "roster_number")


class DispatchRepository:
    """Reads agents and what they have to do."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._agents = db[AGENTS.name]

    async def changed_since(
        self, roster_number: int | None, session: Session | None
    ) -> list[Document]:
        """Return the agents whose part in the roster has changed since a number; None: all."""
        wanted = {} if roster_number is None else {"roster_number": {"$gt": roster_number}}
        return await self._agents.find(wanted, _ROSTER, session=session).to_list()

    async def with_room(
        self, ids: Collection[ObjectId], skills: Collection[str], session: Session
    ) -> list[Document]:
        """Return the least loaded of ``ids`` that have room, up to ``LOOKED_AT``.

        Args:
            ids: active persons with one of ``skills``.
            skills: by these they are found where they are many.
            session: of the decision.
        """
        found: list[Document] = []
        cursor = self.least_loaded(ids, skills, session)
        async for agent in cursor:
            if agent["_id"] in ids:
                found.append(agent)
            if len(found) == LOOKED_AT:
                break
        await cursor.close()
        return found

    def least_loaded(
        self, ids: Collection[ObjectId], skills: Collection[str], session: Session | None = None
    ) -> AsyncCursor[Document]:
        """Return those with room, the least loaded first; where ``ids`` are many, others too."""
        wanted: dict[str, Any] = {"active": True, "load_share": {"$not": {"$gte": 1}}}
        if len(ids) <= BY_ID:
            wanted["_id"] = {"$in": list(ids)}
        else:
            wanted |= {"kind": "person", "skills": {"$in": sorted(skills)}}
        cursor = self._agents.find(wanted, _FIELDS, session=session, batch_size=4 * LOOKED_AT)
        return cursor.sort(_LEAST_LOADED)

    async def loaded(self, ids: Collection[ObjectId], limit: int) -> list[Document]:
        """Return active agents among ``ids`` with or without room, the least loaded first."""
        wanted = {"_id": {"$in": list(ids)}, "active": True}
        return await self._agents.find(wanted, _FIELDS).sort(_LEAST_LOADED).limit(limit).to_list()

    async def persons(self, skills: Collection[str], session: Session) -> list[Document]:
        """Return active persons with one of ``skills``, by code."""
        wanted = {"active": True, "kind": "person", "skills": {"$in": sorted(skills)}}
        cursor = self._agents.find(wanted, session=session)
        return await cursor.sort("agent_code", ASCENDING).to_list()

    async def supervisors(self, department: str, session: Session) -> list[Document]:
        """Return the department's active persons with the role of a supervisor."""
        wanted = {
            "active": True,
            "kind": "person",
            "roles": "supervisor",
            "department": department,
        }
        return await self._agents.find(wanted, session=session).to_list()

    async def agent(self, agent_id: ObjectId, session: Session | None = None) -> Document | None:
        return await self._agents.find_one({"_id": agent_id}, session=session)

    async def agents_by_id(
        self, ids: Sequence[ObjectId], session: Session | None = None
    ) -> list[Document]:
        return await self._agents.find({"_id": {"$in": list(ids)}}, session=session).to_list()

    async def agents(self, wanted: dict[str, Any], after: str | None, limit: int) -> list[Document]:
        """Return up to ``limit`` agents by code, after code ``after``."""
        if after is not None:
            wanted = {**wanted, "agent_code": {"$gt": after}}
        return await self._agents.find(wanted).sort("agent_code", 1).limit(limit).to_list()

    def open_ids(self, agent_id: ObjectId, limit: int) -> AsyncIterator[Document]:
        """Yield the ids (``request_id``) of an agent's open work; a ``limit`` of 0 is none."""
        found = self._requests.find(_open_work_of(agent_id), {"_id": 0, "request_id": 1})
        return found.limit(limit)

    async def open_work(self, session: Session) -> dict[ObjectId, int]:
        """Count the requests that each agent has work with; duplicates are their masters' work."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {"status": {"$in": WORK}, "duplicates.is_master": True}},
            {"$group": {"_id": "$assignment.assigned_agent_id", "count": {"$sum": 1}}},
        ]
        cursor = await self._requests.aggregate(pipeline, session=session)
        return {row["_id"]: row["count"] async for row in cursor}

    async def open_work_of(self, agent_id: ObjectId, session: Session) -> int:
        """Count the requests that one agent has work with."""
        return await self._requests.count_documents(_open_work_of(agent_id), session=session)

    async def loads(self, session: Session) -> list[Document]:
        """Return every agent's code and how much is open."""
        fields = {"agent_code": 1, "open_assignments": 1, "load_share": 1, "capacity": 1}
        return await self._agents.find({}, fields, session=session).to_list()

    async def set_load(self, agent_id: ObjectId, count: int, session: Session) -> None:
        """Set an agent's ``open_assignments``."""
        await self._agents.update_one(
            {"_id": agent_id}, agent_update({"open_assignments": count}), session=session
        )

    async def count_agents(self) -> int:
        return await self._agents.estimated_document_count()


def _open_work_of(agent_id: ObjectId) -> dict[str, Any]:
    return {
        "assignment.assigned_agent_id": agent_id,
        "status": {"$in": list(WORK)},
        "duplicates.is_master": True,
    }
