"""Deliveries by webhook: one row for each time that a role is told of a notice.

A row is written with the step that it tells of, whether or not the role has a webhook: only who
sends needs to know that, and drops what nobody listens to. Its id names the step, so that no step
has two; it is also the message's id, by which a receiver knows what it has had before.

``due_at`` is when a row may be sent. Who sends puts it off for as long as a claim lasts, by the
server's clock, so that nobody else sends it meanwhile, and it comes back where that process died.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING, IndexModel, ReturnDocument

from cst_contracts.triage import NoticeWebhook
from cst_core.clock import wall_now
from cst_mongo.client import Database, Document, Session
from cst_mongo.indexes import CollectionSpec

#: How long a delivery is kept once it was made or given up.
KEPT = timedelta(days=30)
#: How long a claim lasts, in seconds: well above the time that a receiver has to answer.
CLAIM_S = 60.0

DELIVERIES = CollectionSpec(
    "webhook_deliveries",
    (
        IndexModel(
            [("role", ASCENDING), ("due_at", ASCENDING)],
            partialFilterExpression={"due_at": {"$type": "date"}},
        ),
        IndexModel(
            [("ended_at", ASCENDING), ("role", ASCENDING)],
            partialFilterExpression={"state": "failed"},
        ),
        IndexModel([("ended_at", ASCENDING)], expireAfterSeconds=int(KEPT.total_seconds())),
    ),
)


def _body(notice: Document, role: str) -> dict[str, Any]:
    path = f"/requests/{notice['request_id']}"
    told = {**notice, "notice_id": notice["_id"], "role": role, "path": path}
    return NoticeWebhook.model_validate(told).model_dump(mode="json")


class Deliveries:
    """Keeps deliveries; a claim lasts ``claim_s`` seconds."""

    def __init__(self, db: Database, *, claim_s: float = CLAIM_S) -> None:
        self._rows = db[DELIVERIES.name]
        self._claim_ms = int(claim_s * 1000)

    async def put(self, notice: Document, role: str, session: Session) -> None:
        """Have ``role`` told of a notice as it stands, in the transaction that makes it so."""
        # Without the full stops of a notice's id: they separate the parts of what is signed.
        key = f"{notice['_id'].replace('.', ':')}:{notice['repeats']}:{role}"
        now = wall_now()
        row = {
            "_id": key,
            "role": role,
            "body": _body(notice, role),
            "state": "waiting",
            "created_at": now,
            "due_at": now,
            "attempts": 0,
            "claim": None,
            "error": None,
            "ended_at": None,
        }
        await self._rows.insert_one(row, session=session)

    @staticmethod
    def fallen_due(role: str) -> dict[str, Any]:
        """Return the filter of the deliveries for ``role`` that are due."""
        # The own clock says how far to look into the index, the server's decides.
        return {
            "role": role,
            "due_at": {"$type": "date", "$lte": wall_now()},
            "$expr": {"$lte": ["$due_at", "$$NOW"]},
        }

    async def claim(self, role: str) -> Document | None:
        """Take the delivery for ``role`` that has been due longest; None where none is."""
        taken = {
            "due_at": {"$add": ["$$NOW", self._claim_ms]},
            "attempts": {"$add": ["$attempts", 1]},
            "claim": secrets.token_hex(8),
        }
        return await self._rows.find_one_and_update(
            self.fallen_due(role),
            [{"$set": taken}],
            sort=[("due_at", ASCENDING)],
            return_document=ReturnDocument.AFTER,
        )

    async def put_off(self, row: Document, pause: timedelta, error: str) -> None:
        """Note why a claimed delivery failed; it is due again after ``pause``."""
        pause_ms = int(pause.total_seconds() * 1000)
        await self._note(row, {"due_at": {"$add": ["$$NOW", pause_ms]}, "error": error})

    async def end(self, row: Document, state: str, error: str | None) -> None:
        """Note that a claimed delivery is ``delivered`` or ``failed``, for good."""
        ended = {"state": state, "due_at": None, "error": error, "ended_at": "$$NOW"}
        await self._note(row, ended)

    async def _note(self, row: Document, fields: dict[str, Any]) -> None:
        # Where the claim has run out, another process answers for the row.
        await self._rows.update_one({"_id": row["_id"], "claim": row["claim"]}, [{"$set": fields}])

    async def given_up(self, since: datetime) -> dict[str, int]:
        """Return how many deliveries have failed for good since then, by role, if any."""
        failed = {"state": "failed", "ended_at": {"$gte": since}}
        counted = {"$group": {"_id": "$role", "count": {"$sum": 1}}}
        cursor = await self._rows.aggregate([{"$match": failed}, counted])
        return {row["_id"]: row["count"] async for row in cursor}

    async def drop(self, roles: Collection[str]) -> None:
        """Remove what waits for roles that have no webhook."""
        wanted = {"role": {"$in": list(roles)}, "due_at": {"$type": "date"}}
        await self._rows.delete_many(wanted)
