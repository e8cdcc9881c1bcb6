"""The anchor of a simulated clock, kept where every process finds the same one."""

from __future__ import annotations

from pymongo import ReturnDocument

from cst_core.clock import Clock, parse_clock, wall_now
from cst_mongo.client import Database
from cst_mongo.indexes import CollectionSpec

CLOCKS = CollectionSpec("clocks")


async def shared_clock(db: Database, spec: str) -> Clock:
    """Return the clock that ``spec`` (``CST_CLOCK``) names.

    The first process that asks for a simulated clock sets its anchor; the others read it.
    """
    start, rate = parse_clock(spec)
    if start is None:
        return Clock()
    row = await db[CLOCKS.name].find_one_and_update(
        {"_id": spec},
        {"$setOnInsert": {"anchor": wall_now()}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    assert row is not None  # an upsert always returns a document
    return Clock(start=start, rate=rate, anchor=row["anchor"])
