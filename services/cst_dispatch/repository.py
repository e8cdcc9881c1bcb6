"""Dispatch's queries: agents, and requests that wait for one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import ASCENDING, IndexModel

from cst_city.store import AGENTS
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

QUEUE = CollectionSpec(
    "dispatch_queue",
    (
        IndexModel([("next_try_at", ASCENDING)]),
        IndexModel([("priority", ASCENDING), ("created_at", ASCENDING)]),
    ),
)
SPECS = (QUEUE,)


#: A request in one of these takes a unit of its agent's capacity.
WORK = ("assigned", "in_progress")


class DispatchRepository:
    """Reads agents; keeps the queue of requests that nobody could take."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._agents = db[AGENTS.name]
        self._queue = db[QUEUE.name]

    async def persons(self, skills: Collection[str], session: Session) -> list[Document]:
        """Return active persons with one of ``skills``."""
        wanted = {"active": True, "kind": "person", "skills": {"$in": sorted(skills)}}
        return await self._agents.find(wanted, session=session).to_list()

    async def supervisors(self, department: str, session: Session) -> list[Document]:
        """Return the department's active persons with the role of a supervisor."""
        wanted = {
            "active": True,
            "kind": "person",
            "roles": "supervisor",
            "department": department,
        }
        return await self._agents.find(wanted, session=session).to_list()

    async def agent(self, agent_id: ObjectId) -> Document | None:
        return await self._agents.find_one({"_id": agent_id})

    async def agents(self, wanted: dict[str, Any], after: str | None, limit: int) -> list[Document]:
        """Return up to ``limit`` agents by code, after code ``after``."""
        if after is not None:
            wanted = {**wanted, "agent_code": {"$gt": after}}
        return await self._agents.find(wanted).sort("agent_code", 1).limit(limit).to_list()

    async def add_agent(self, agent: Document) -> None:
        """Insert; ``DuplicateKeyError`` when the code is taken."""
        await self._agents.insert_one(agent)

    async def waiting(self, request_id: str, session: Session) -> Document | None:
        """Return the queue row of a request."""
        return await self._queue.find_one({"_id": request_id}, session=session)

    async def wait(self, document: Document, next_try_at: datetime, session: Session) -> None:
        """Queue a request, or move its next attempt."""
        row = {
            "priority": document["priority"],
            "created_at": document["timestamps"]["created_at"],
            "next_try_at": next_try_at,
        }
        await self._queue.update_one(
            {"_id": document["request_id"]}, {"$set": row}, upsert=True, session=session
        )

    async def leave(self, request_id: str, session: Session) -> None:
        """Take a request out of the queue, if it is in it."""
        await self._queue.delete_one({"_id": request_id}, session=session)

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return requests to try again, highest priority and oldest first."""
        cursor = self._queue.find({"next_try_at": {"$lte": now}}, {"_id": 1})
        order = [("priority", ASCENDING), ("created_at", ASCENDING)]
        return [row["_id"] async for row in cursor.sort(order).limit(limit)]

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
        wanted = {
            "assignment.assigned_agent_id": agent_id,
            "status": {"$in": WORK},
            "duplicates.is_master": True,
        }
        return await self._requests.count_documents(wanted, session=session)

    async def loads(self, session: Session) -> list[Document]:
        """Return every agent's code and ``open_assignments``."""
        fields = {"agent_code": 1, "open_assignments": 1}
        return await self._agents.find({}, fields, session=session).to_list()

    async def set_load(self, agent_id: ObjectId, count: int, session: Session) -> None:
        """Set an agent's ``open_assignments``."""
        await self._agents.update_one(
            {"_id": agent_id}, {"$set": {"open_assignments": count}}, session=session
        )

    async def count_agents(self) -> int:
        return await self._agents.estimated_document_count()
