"""The writes of an append: a request's new state, and the events pushed to its stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import bson
from pymongo import InsertOne, UpdateOne

from cst_core.clock import wall_now
from cst_ledger.events import Document
from cst_ledger.fold import get_path, outermost
from cst_ledger.seal import BUCKET_SIZE, bucket_of
from cst_mongo.client import Collection, Session

Write = InsertOne[dict[str, Any]] | UpdateOne


class StaleHead(Exception):
    """A document given to ``append`` is not the current one; load it again."""


def state_update(before: Document, after: Document, changed: set[str]) -> UpdateOne:
    """Return the update of a request whose fields ``changed``, guarded by ``ledger.seq``."""
    update = {
        **{path: get_path(after, path) for path in outermost(changed)},
        "timestamps.updated_at": after["timestamps"]["updated_at"],
        "version": after["version"],
        "ledger": after["ledger"],
    }
    unmoved = {"_id": before["_id"], "ledger.seq": before["ledger"]["seq"]}
    return UpdateOne(unmoved, {"$set": update})


def pushes_of(oid: bson.ObjectId, events: list[Document]) -> Iterator[Write]:
    """Yield what appends sealed ``events`` to the stream of a request, bucket by bucket."""
    for bucket, group in groupby(events, key=lambda event: bucket_of(event["seq"])):
        batch = list(group)
        tail = {"last_seq": batch[-1]["seq"], "updated_at": wall_now()}
        if bucket > 0 and batch[0]["seq"] % BUCKET_SIZE == 0:
            log = {"request_id": oid, "bucket": bucket, "event_stream": batch, **tail}
            yield InsertOne(log)
            continue
        yield UpdateOne(
            {"request_id": oid, "bucket": bucket, "last_seq": batch[0]["seq"] - 1},
            {"$push": {"event_stream": {"$each": batch}}, "$set": tail},
        )


async def write_all(collection: Collection, writes: Sequence[Write], session: Session) -> None:
    """Write all in one round trip; ``StaleHead`` where one finds its document moved."""
    if not writes:
        return
    # In order: change streams tell a request's events as they were written, bucket after bucket.
    done = await collection.bulk_write(writes, ordered=True, session=session)
    if done.matched_count + done.inserted_count != len(writes):
        raise StaleHead(f"{collection.name}: a request has moved since it was read")
