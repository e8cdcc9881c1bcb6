"""Queries of dispatch's views. None of them looks at requests that are not open work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from cst_city.store import AGENTS
from cst_dispatch.queue import QUEUE
from cst_dispatch.repository import WORK
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database

#: Where work without a due time comes in its order.
LAST = datetime(9999, 12, 31, tzinfo=UTC)
#: A place in a worklist: the due time, or ``LAST``, and the request's id.
Place = tuple[datetime, str]

_OPEN_WORK = {"status": {"$in": list(WORK)}, "duplicates.is_master": True}
#: What a worklist shows of a request.
_ITEM = (
    "request_id",
    "status",
    "priority",
    "category",
    "location",
    "due_at",
    "assignment.since",
    "workflow.hold.reason",
)
#: What is asked of agents: enough to tell who is there for what, and how much they have.
_AGENT = (
    "agent_code",
    "name",
    "kind",
    "department",
    "active",
    "skills",
    "coverage.zone_ids",
    "schedule",
    "leave",
    "capacity",
    "open_assignments",
)


class ViewsRepository:
    """Reads agents, open work and the queue."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._agents = db[AGENTS.name]
        self._queue = db[QUEUE.name]

    async def agent(self, agent_id: ObjectId) -> Document | None:
        """Return an agent's code by its id."""
        return await self._agents.find_one({"_id": agent_id}, {"agent_code": 1})

    async def agents(self, after: str | None, limit: int) -> list[Document]:
        """Return up to ``limit`` active agents by code, after code ``after``."""
        wanted: dict[str, Any] = {"active": True}
        if after is not None:
            wanted["agent_code"] = {"$gt": after}
        return await self._agents.find(wanted, _AGENT).sort("agent_code", 1).limit(limit).to_list()

    async def persons(self) -> list[Document]:
        """Return the active persons."""
        return await self._agents.find({"active": True, "kind": "person"}, _AGENT).to_list()

    async def worklist(self, agent_id: ObjectId, after: Place | None, limit: int) -> list[Document]:
        """Return up to ``limit`` requests that an agent has, by due time, after a place."""
        cursor = await self._requests.aggregate(self.worklist_query(agent_id, after, limit))
        return await cursor.to_list()

    @staticmethod
    def worklist_query(agent_id: ObjectId, after: Place | None, limit: int) -> list[dict[str, Any]]:
        """Return the pipeline of a page of a worklist; ``place`` is by what it is sorted."""
        order = {"place": {"$ifNull": ["$due_at", LAST]}}
        later: list[dict[str, Any]] = []
        if after is not None:
            at, request_id = after
            same = {"place": at, "request_id": {"$gt": request_id}}
            later.append({"$match": {"$or": [{"place": {"$gt": at}}, same]}})
        return [
            {"$match": {"assignment.assigned_agent_id": agent_id, **_OPEN_WORK}},
            {"$project": {**dict.fromkeys(_ITEM, 1), **order}},
            *later,
            {"$sort": {"place": 1, "request_id": 1}},
            {"$limit": limit},
        ]

    async def open_work(self, field: str) -> dict[str, int]:
        """Count the open work by a field of the requests."""
        cursor = await self._requests.aggregate(self.open_work_query(field))
        return {row["_id"]: row["count"] async for row in cursor}

    @staticmethod
    def open_work_query(field: str) -> list[dict[str, Any]]:
        """Return the pipeline that counts the open work by a field."""
        return [{"$match": _OPEN_WORK}, {"$group": {"_id": f"${field}", "count": {"$sum": 1}}}]

    async def waiting(self, field: str) -> dict[str, int]:
        """Count what waits for an agent by a field of the queue, by each value of a list."""
        pipeline: list[dict[str, Any]] = [
            {"$unwind": f"${field}"},
            {"$group": {"_id": f"${field}", "count": {"$sum": 1}}},
        ]
        cursor = await self._queue.aggregate(pipeline)
        return {row["_id"]: row["count"] async for row in cursor}
