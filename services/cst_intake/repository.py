"""Intake's queries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from pymongo import DESCENDING

from cst_intake.citizen_store import CITIZENS
from cst_intake.codes import CODES, LIMITS
from cst_intake.outbox import OUTBOX
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session

SPECS = (CITIZENS, CODES, LIMITS, OUTBOX)


class IntakeRepository:
    """Reads requests."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]

    async def search(self, wanted: dict[str, Any], limit: int) -> list[Document]:
        """Return up to ``limit`` requests, newest first."""
        order = [("timestamps.created_at", DESCENDING), ("_id", DESCENDING)]
        return await self._requests.find(wanted).sort(order).limit(limit).to_list()

    async def nearby(self, wanted: dict[str, Any]) -> AsyncIterator[Document]:
        """Yield what a map shows of the requests that ``wanted`` names."""
        fields = (
            "request_id",
            "category",
            "status",
            "due_at",
            "timestamps",
            "location",
            "supporters",
        )
        async for row in self._requests.find(wanted, dict.fromkeys(fields, 1)):
            yield row

    async def imported_ids(self, system: str, ids: list[str], session: Session) -> dict[str, str]:
        """Return those of another system's ids that are stored already, with our request ids."""
        cursor = self._requests.find(
            {"source.system": system, "source.id": {"$in": ids}},
            {"source.id": 1, "request_id": 1},
            session=session,
        )
        return {row["source"]["id"]: row["request_id"] async for row in cursor}
