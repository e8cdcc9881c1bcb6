"""Workflow's queries for what falls due, what rules bind, and what actors did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from cst_contracts.enums import STATUSES
from cst_ledger.events import Document
from cst_ledger.ledger import BY_ACTOR, LOGS, REQUESTS
from cst_mongo.client import Database

_NOT_CLOSED = [status for status in STATUSES if status != "closed"]


class WorkflowRepository:
    """Reads requests and their ledger."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._logs = db[LOGS.name]

    @staticmethod
    def run_out(now: datetime) -> dict[str, Any]:
        """Return the filter of the holds that have run out by ``now``."""
        return {"workflow.hold.until": {"$lte": now}}

    @staticmethod
    def closable(resolved_by: datetime) -> dict[str, Any]:
        """Return the filter of what nobody disputed, resolved by then."""
        return {
            "status": "resolved",
            "duplicates.is_master": True,
            "dispute": None,
            "timestamps.resolved_at": {"$lte": resolved_by},
        }

    async def due_to_resume(self, now: datetime, limit: int) -> list[str]:
        """Return the requests whose hold has run out, longest ago first."""
        return await self._ids(self.run_out(now), "workflow.hold.until", limit)

    async def due_to_close(self, resolved_by: datetime, limit: int) -> list[str]:
        """Return what closes by itself, resolved longest ago first."""
        return await self._ids(self.closable(resolved_by), "timestamps.resolved_at", limit)

    async def _ids(self, wanted: dict[str, Any], order: str, limit: int) -> list[str]:
        cursor = self._requests.find(wanted, {"_id": 0, "request_id": 1})
        return [row["request_id"] async for row in cursor.sort(order, 1).limit(limit)]

    async def bound_to_others(
        self, version: str, from_version: str | None, count: int
    ) -> AsyncIterator[list[Document]]:
        """Yield what is not closed and bound to other rules than ``version``, ``count`` at a time.

        Args:
            version: those bound to it are left out.
            from_version: only those bound to this one; None for every other one.
            count: size of a batch.
        """
        pinned: Any = {"$ne": version}
        if from_version is not None:
            pinned = {"$ne": version, "$eq": from_version}
        wanted = {"status": {"$in": _NOT_CLOSED}, "workflow.transition_rules_version": pinned}
        fields = dict.fromkeys(("request_id", "status", "resolution_code", "workflow"), 1)
        batch: list[Document] = []
        async for row in self._requests.find(wanted, {"_id": 0, "historic": 1, **fields}):
            batch.append(row)
            if len(batch) == count:
                yield batch
                batch = []
        if batch:
            yield batch

    async def written_by(
        self, actor_type: str, actor_id: str, before: str | None, limit: int
    ) -> list[Document]:
        """Return an actor's events in order of their ids, newest first.

        Args:
            actor_type: of the actor.
            actor_id: of the actor.
            before: the id of the event after which the page begins.
            limit: how many at most.
        """
        wanted: dict[str, Any] = {"by.actor_type": actor_type, "by.actor_id": actor_id}
        if before is not None:
            wanted["event_id"] = {"$lt": before}
        # Without a sort the index gives each bucket where the actor's newest event in it stands
        # (a sort by an array would go by all its events, other actors' too). Of the first `limit`
        # buckets none lacks an event that is among the newest `limit`.
        cursor = self._logs.find({"event_stream": {"$elemMatch": wanted}}, {"event_stream": 1})
        found = [
            event
            async for log in cursor.hint(BY_ACTOR).limit(limit)
            for event in log["event_stream"]
            if event["by"] == {"actor_type": actor_type, "actor_id": actor_id}
            and (before is None or event["event_id"] < before)
        ]
        return sorted(found, key=lambda event: event["event_id"], reverse=True)[:limit]
