"""What a change of ``performance_logs`` says: which events were appended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cst_relay.domain.records import Document

STREAM = "event_stream"
_ELEMENT = f"{STREAM}."

#: Of a stored event, what is never published and need not travel.
UNPUBLISHED = ("changes", "prev_hash", "hash", "meta.message", "meta.address_hint", "meta.salt")


def pipeline() -> list[Document]:
    """Return the stages after ``$changeStream``: appends only, and of them only what is needed."""
    return [
        {
            "$match": {
                "$or": [
                    {"operationType": {"$in": ["insert", "replace", "invalidate"]}},
                    {
                        "operationType": "update",
                        "updateDescription.updatedFields.last_seq": {"$exists": True},
                    },
                ]
            }
        },
        {
            "$project": {
                "operationType": 1,
                "documentKey": 1,
                "wallTime": 1,
                f"fullDocument.{STREAM}": 1,
                "fullDocument.updated_at": 1,
                "updateDescription.updatedFields": 1,
                "updateDescription.truncatedArrays": 1,
            }
        },
        {"$unset": [f"fullDocument.{STREAM}.{field}" for field in UNPUBLISHED]},
    ]


def new_events(change: Mapping[str, Any]) -> list[Any] | None:
    """Return the events that a change appended, in order.

    Returns:
        None where the change does not say: the document must be read again.
    """
    kind = change["operationType"]
    if kind == "insert":
        return _whole(change.get("fullDocument", {}).get(STREAM))
    if kind != "update":
        return None
    description = change["updateDescription"]
    if description.get("truncatedArrays"):
        return None
    return _appended(description["updatedFields"])


def _appended(fields: Mapping[str, Any]) -> list[Any] | None:
    if STREAM in fields:
        return _whole(fields[STREAM])
    elements: dict[int, Any] = {}
    for path, value in fields.items():
        if path.startswith(_ELEMENT):
            index = path[len(_ELEMENT) :]
            if not index.isdecimal():
                return None
            elements[int(index)] = value
    return [elements[index] for index in sorted(elements)] or None


def _whole(stream: Any) -> list[Any] | None:
    return stream if isinstance(stream, list) and stream else None


def written_at(change: Mapping[str, Any]) -> Any:
    """Return ``updated_at`` as the change sets it, None where it does not."""
    if change["operationType"] == "update":
        return change["updateDescription"]["updatedFields"].get("updated_at")
    return change.get("fullDocument", {}).get("updated_at")
