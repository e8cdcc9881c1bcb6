"""Numbers handed out in blocks, so that no counter becomes a hot document. Gaps are fine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from pymongo import ReturnDocument

from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

COUNTERS = CollectionSpec("counters")


class BlockCounter:
    """Hands out increasing numbers of named series to one process."""

    def __init__(self, db: Database, *, block: int = 100) -> None:
        self._counters = db[COUNTERS.name]
        self._block = block
        self._free: dict[str, Iterator[int]] = {}
        self._lock = asyncio.Lock()

    async def next(self, series: str) -> int:
        """Return the next number of ``series`` (from 1), taking a new block when one is used up."""
        async with self._lock:
            number = next(self._free.get(series, iter(())), None)
            if number is None:
                self._free[series] = iter(await self.take(series, self._block))
                number = next(self._free[series])
            return number

    async def take(self, series: str, count: int) -> range:
        """Reserve and return ``count`` consecutive numbers of ``series``."""
        row = await self._counters.find_one_and_update(
            {"_id": series},
            {"$inc": {"last": count}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert row is not None  # an upsert always returns a document
        return range(row["last"] - count + 1, row["last"] + 1)
