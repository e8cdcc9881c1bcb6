"""From a stored event to the CloudEvent that is published: no text, no salt, no state."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_contracts.events import EVENTS
from cst_ledger.chain import TEXT_KEYS
from cst_ledger.events import Document

_PRIVATE = frozenset((*TEXT_KEYS, "salt"))


def cloud_event(event: Document, city: str) -> dict[str, Any]:
    """Return the published form of a stored event (``cst_contracts.events.RequestEvent``).

    Instants stay ``datetime``; object ids become hexadecimal.

    Raises:
        KeyError: the stored event lacks a field or its type is unknown (a malformed record).
    """
    spec = EVENTS[event["type"]]
    own = {k: _plain(v) for k, v in event["meta"].items() if k not in _PRIVATE}
    return {
        "specversion": "1.0",
        "id": event["event_id"],
        "source": f"/cst/{city}/{event['service']}",
        "type": spec.type,
        "subject": event["subject"],
        "time": event["at"],
        "datacontenttype": "application/json",
        "dataschema": spec.dataschema,
        "traceparent": event["traceparent"],
        "seq": event["seq"],
        "version": event["version"],
        "data": {
            "actor": event["by"],
            "recorded_at": event["recorded_at"],
            "facts": event["facts"],
            **own,
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
