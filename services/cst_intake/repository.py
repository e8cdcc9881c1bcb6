"""Intake's queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from cst_core.clock import wall_now
from cst_intake.citizen_store import CITIZENS
from cst_intake.codes import CODES, LIMITS
from cst_intake.outbox import OUTBOX
from cst_ledger.events import Document
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

#: How long a key is remembered after its create.
KEY_TTL = timedelta(days=90)

IDEMPOTENCY = CollectionSpec(
    "idempotency_keys", (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
)
SPECS = (IDEMPOTENCY, CITIZENS, CODES, LIMITS, OUTBOX)


def number_series(year: int) -> str:
    """Return the name of the counter that numbers the requests of a year."""
    return f"requests-{year}"


class IntakeRepository:
    """Reads requests; keeps idempotency keys."""

    def __init__(self, db: Database) -> None:
        self._requests = db[REQUESTS.name]
        self._keys = db[IDEMPOTENCY.name]

    async def key(self, scope: str) -> Document | None:
        """Return the row of a used key (``scope`` is caller and key)."""
        return await self._keys.find_one({"_id": scope})

    async def use_key(self, scope: str, digest: str, request_id: str, session: Session) -> None:
        """Record the use of a key; ``DuplicateKeyError`` when somebody was first."""
        row = {
            "_id": scope,
            "digest": digest,
            "request_id": request_id,
            "expires_at": wall_now() + KEY_TTL,
        }
        await self._keys.insert_one(row, session=session)

    async def search(self, wanted: dict[str, Any], limit: int) -> list[Document]:
        """Return up to ``limit`` requests, newest first."""
        order = [("timestamps.created_at", DESCENDING), ("_id", DESCENDING)]
        return await self._requests.find(wanted).sort(order).limit(limit).to_list()

    async def imported_ids(self, system: str, ids: list[str], session: Session) -> dict[str, str]:
        """Return those of another system's ids that are stored already, with our request ids."""
        cursor = self._requests.find(
            {"source.system": system, "source.id": {"$in": ids}},
            {"source.id": 1, "request_id": 1},
            session=session,
        )
        return {row["source"]["id"]: row["request_id"] async for row in cursor}
