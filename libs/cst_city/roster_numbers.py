"""The numbers of the roster's changes: who keeps agents in memory asks for those since the last."""

from __future__ import annotations

from pymongo import ReturnDocument

from cst_mongo.client import Database, Session
from cst_mongo.counters import COUNTERS

SERIES = "roster"


async def next_roster_number(db: Database, session: Session) -> int:
    """Return the number of a change of agents, to be written as their ``roster_number``.

    It is taken in the transaction of the change, so that changes become visible in the order of
    their numbers: two at once conflict, and one is tried again.
    """
    row = await db[COUNTERS.name].find_one_and_update(
        {"_id": SERIES},
        {"$inc": {"last": 1}},
        upsert=True,
        return_document=ReturnDocument.AFTER,
        session=session,
    )
    assert row is not None  # an upsert always returns a document
    return int(row["last"])
