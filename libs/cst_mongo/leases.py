"""Leases: one holder at a time, with an epoch that grows at each change of holder.

Time is the server's (``$$NOW``), so the holders' clocks need not agree. A paused holder may believe
that it still holds; whoever writes on its behalf must carry the epoch and be refused.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from cst_core.errors import Conflict
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

LEASES = CollectionSpec("leases")


@dataclass(frozen=True, slots=True)
class Lease:
    """What a holder holds: its name and its epoch."""

    name: str
    holder: str
    epoch: int


def holder_name() -> str:
    """Return a name that no other holder has, not even a later one of this process."""
    return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"


@dataclass
class Tenure:
    """A lease while it is renewed in the background; ``ends`` in monotonic seconds."""

    lease: Lease
    ends: float

    def check(self) -> None:
        """Raise ``Conflict`` when somebody else may hold the lease by now."""
        if time.monotonic() >= self.ends:
            raise Conflict(f"{self.lease.name}: the lease was lost, another process may go on")


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

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[Tenure]:
        """Hold the lease within the block, waiting ``ttl_s`` for the end of a holder that died.

        Raises:
            Conflict: another holder is alive.
        """
        tenure = await self._insist(name, holder_name())
        renewing = asyncio.create_task(self._keep(tenure))
        try:
            yield tenure
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await self.release(tenure.lease)

    async def _insist(self, name: str, holder: str) -> Tenure:
        pauses = 10
        for _ in range(pauses + 1):
            ends = time.monotonic() + self.ttl_s
            if (lease := await self.acquire(name, holder)) is not None:
                return Tenure(lease, ends)
            await asyncio.sleep(self.ttl_s / pauses)
        row = await self._leases.find_one({"_id": name}) or {}
        raise Conflict(f"{name}: {row.get('holder')} is at it; try again when it has ended")

    async def _keep(self, tenure: Tenure) -> None:
        """Renew until cancelled or lost; while the database cannot be reached, it runs out."""
        while True:
            await asyncio.sleep(self.ttl_s / 3)
            ends = time.monotonic() + self.ttl_s
            try:
                if not await self.renew(tenure.lease):
                    return
            except PyMongoError:
                continue
            tenure.ends = ends
