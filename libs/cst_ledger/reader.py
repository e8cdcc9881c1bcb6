"""Reading the ledger."""

from __future__ import annotations

from bson import ObjectId

from cst_ledger.events import Document
from cst_ledger.ledger import LOGS
from cst_mongo.client import Database, Session


async def events_of(db: Database, oid: ObjectId, session: Session | None = None) -> list[Document]:
    """Return the stored events of a request (by its ``_id``) in ``seq`` order."""
    cursor = db[LOGS.name].find({"request_id": oid}, {"event_stream": 1}, session=session)
    return [event async for log in cursor.sort("bucket", 1) for event in log["event_stream"]]
