"""Reading the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from bson import ObjectId

from cst_core.errors import NotFound
from cst_ledger.events import Document
from cst_ledger.fold import fold, happened_by
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.seal import bucket_of
from cst_mongo.client import Database, Session


async def events_of(db: Database, oid: ObjectId, session: Session | None = None) -> list[Document]:
    """Return the stored events of a request (by its ``_id``) in ``seq`` order."""
    cursor = db[LOGS.name].find({"request_id": oid}, {"event_stream": 1}, session=session)
    return [event async for log in cursor.sort("bucket", 1) for event in log["event_stream"]]


async def events_after(db: Database, oid: ObjectId, seq: int) -> AsyncIterator[Document]:
    """Yield the stored events of a request after event ``seq``; later buckets only as needed."""
    wanted = {"request_id": oid, "bucket": {"$gte": bucket_of(seq + 1)}}
    cursor = db[LOGS.name].find(wanted, {"event_stream": 1}, batch_size=1)
    async for log in cursor.sort("bucket", 1):
        for event in log["event_stream"]:
            if event["seq"] > seq:
                yield event


async def event_at(db: Database, request_id: str, seq: int) -> Document | None:
    """Return the stored event ``seq`` of a request (by its number); None where there is none."""
    document = await db[REQUESTS.name].find_one({"request_id": request_id}, {"_id": 1})
    if document is None:
        return None
    wanted = {"request_id": document["_id"], "bucket": bucket_of(seq)}
    there = {"event_stream": {"$elemMatch": {"seq": seq}}}
    log = await db[LOGS.name].find_one(wanted, there)
    return next(iter(log.get("event_stream", [])), None) if log is not None else None


async def as_it_stood(db: Database, document: Document, as_of: datetime) -> Document | None:
    """Return a request's document as it stood at ``as_of``; None where it did not exist yet.

    See ``happened_by``. Texts that were redacted since are gone from it, too.
    """
    events = happened_by(await events_of(db, document["_id"]), as_of)
    state = fold(events)
    if state is None:
        return None
    seq, digest = events[-1]["seq"], events[-1]["hash"]
    head = {"seq": seq, "hash": digest, "bucket": bucket_of(seq)}
    return {
        "_id": document["_id"],
        "request_id": document["request_id"],
        **state,
        "ledger": head,
    }


async def first_event_of(db: Database, oid: ObjectId) -> Document:
    """Return the first stored event of a request (by its ``_id``), whatever came after it.

    Raises:
        NotFound: the ledger has none.
    """
    first = {"event_stream": {"$slice": 1}}
    log = await db[LOGS.name].find_one({"request_id": oid, "bucket": 0}, first)
    if log is None:
        raise NotFound(f"no events of {oid}")
    event: Document = log["event_stream"][0]
    return event
