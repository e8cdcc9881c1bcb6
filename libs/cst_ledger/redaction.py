"""Redaction: a text and its salt are erased, the digest stays, so that the chain still verifies.

What is erased here is gone from the two collections. MongoDB's oplog, its change stream images and
backups forget it as they expire.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bson import ObjectId

from cst_ledger.chain import TEXT_KEYS
from cst_ledger.events import Document
from cst_ledger.fold import is_note
from cst_ledger.ledger import LOGS
from cst_ledger.seal import BUCKET_SIZE, bucket_of
from cst_ledger.writes import StaleHead
from cst_mongo.client import Database, Session


def is_erased(event: Document) -> bool:
    """Tell whether the event had a text that is erased."""
    return "text_digest" in event["meta"] and event["meta"].get("salt") is None


def has_text(event: Document) -> bool:
    """Tell whether the event has a text that can be erased."""
    return event["meta"].get("salt") is not None


def note_paths(events: Sequence[Document]) -> dict[int, str]:
    """Return where each event's note stands in the request document, by the event's ``seq``.

    ``events`` are all of the request's.
    """
    notes = [event["seq"] for event in events if is_note(event)]
    return {seq: f"internal.notes.{index}" for index, seq in enumerate(notes)}


async def erase_texts(
    db: Database, oid: ObjectId, events: Iterable[Document], session: Session
) -> None:
    """Erase text and salt of some stored events of the request with ``_id`` ``oid``.

    It is one update an element and leaves ``last_seq`` alone, so that the relay publishes nothing.
    The ``redacted`` event that takes the text out of the request document belongs into the same
    transaction.

    Raises:
        StaleHead: an event does not stand where its ``seq`` says.
    """
    for event in events:
        place = f"event_stream.{event['seq'] % BUCKET_SIZE}"
        gone = {key: None for key in (*TEXT_KEYS, "salt") if key in event["meta"]}
        result = await db[LOGS.name].update_one(
            {
                "request_id": oid,
                "bucket": bucket_of(event["seq"]),
                f"{place}.event_id": event["event_id"],
            },
            {"$set": {f"{place}.meta.{key}": value for key, value in gone.items()}},
            session=session,
        )
        if result.matched_count != 1:
            raise StaleHead(event["subject"])
