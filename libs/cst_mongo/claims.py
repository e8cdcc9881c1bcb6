"""Rows of work that are taken for a while, each by one of several workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cst_mongo.client import Collection

#: How long a worker that died keeps what it has claimed from the others, in milliseconds.
LEASE_MS = 15_000


async def claim(
    rows: Collection,
    due: Mapping[str, Any],
    order: Sequence[tuple[str, int]],
    limit: int,
    holder: str,
) -> list[Any]:
    """Take up to ``limit`` rows that are due, first by ``order``; return their ids.

    What another holder has taken is left to it until its lease of ``LEASE_MS`` ends, by the
    server's time: a simulated clock does not make leases run faster. A row is given back by setting
    its ``claimed_until`` to null, or by what makes it due no more.
    """
    free = {**due, "$expr": {"$lte": ["$claimed_until", "$$NOW"]}}
    cursor = rows.find(free, {"_id": 1}).sort(list(order)).limit(limit)
    ids = [row["_id"] async for row in cursor]
    if not ids:
        return []
    lease = {"claimed_by": holder, "claimed_until": {"$add": ["$$NOW", LEASE_MS]}}
    await rows.update_many({"_id": {"$in": ids}, **free}, [{"$set": lease}])
    # Of those that somebody was faster with the holder is another.
    taken = {"_id": {"$in": ids}, "claimed_by": holder, "claimed_until": {"$ne": None}}
    return [row["_id"] async for row in rows.find(taken, {"_id": 1})]
