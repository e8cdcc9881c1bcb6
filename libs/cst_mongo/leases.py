"""Leases: one holder at a time, with an epoch that grows at each change of holder.

Time is the server's (``$$NOW``), so the holders' clocks need not agree. A paused holder may believe
that it still holds; whoever writes on its behalf must carry the epoch and be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument

from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

LEASES = CollectionSpec("leases")


@dataclass(frozen=True, slots=True)
class Lease:
    """What a holder holds: its name and its epoch."""

    name: str
    holder: str
    epoch: int


class Leases:
    """Acquire, renew and release leases of ``ttl_s`` seconds."""

    def __init__(self, db: Database, *, ttl_s: float = 3.0) -> None:
        self._leases = db[LEASES.name]
        self.ttl_s = ttl_s

    async def acquire(self, name: str, holder: str) -> Lease | None:
        """Take the lease if it is free, expired, or already ours; None when another holds it."""
        row = await self._leases.find_one_and_update(
            {"_id": name},
            [{"$set": self._taken_by(holder)}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert row is not None  # an upsert always returns a document
        return Lease(name, holder, row["epoch"]) if row["holder"] == holder else None

    def _taken_by(self, holder: str) -> dict[str, Any]:
        """The fields after the attempt: all as they were, where another holds the lease."""
        same = {"$eq": ["$holder", holder]}
        epoch = {"$ifNull": ["$epoch", 0]}
        # A missing expiry, that of a new document, compares below every date.
        ours = {"$or": [same, {"$lte": ["$expires_at", "$$NOW"]}]}
        taken = {
            "epoch": {"$cond": [same, epoch, {"$add": [epoch, 1]}]},
            "holder": holder,
            "expires_at": self._expiry(),
        }
        return {key: {"$cond": [ours, value, f"${key}"]} for key, value in taken.items()}

    def _expiry(self) -> dict[str, Any]:
        return {"$add": ["$$NOW", int(self.ttl_s * 1000)]}

    async def renew(self, lease: Lease) -> bool:
        """Prolong the lease; False when it was lost."""
        result = await self._leases.update_one(
            {"_id": lease.name, "holder": lease.holder, "epoch": lease.epoch},
            [{"$set": {"expires_at": self._expiry()}}],
        )
        return result.matched_count == 1

    async def release(self, lease: Lease) -> None:
        """Give the lease back at once, so that a waiting process need not wait for its end."""
        await self._leases.update_one(
            {"_id": lease.name, "holder": lease.holder, "epoch": lease.epoch},
            [{"$set": {"expires_at": "$$NOW", "holder": None}}],
        )
