"""From a stored event to what outsiders get of it."""

from __future__ import annotations

from typing import Any

from cst_contracts.events import EVENTS
from cst_contracts.messages import PUBLIC_MESSAGE
from cst_contracts.public import PUBLIC_PREFIX, PublicFacts
from cst_relay.domain.records import Document, Record
from cst_relay.domain.request_records import MALFORMED, cloud_record


def public_records(events: Any, city: str) -> list[Record]:
    """Return the records of those of some events of one request that anybody may be told of.

    Whether the request is public is what the last of them says: a citizen who has opted out since
    is not told of again when a whole document is sent. What is malformed is passed over; the feed
    of all events makes a dead letter of it.
    """
    if not isinstance(events, list) or not events or not _is_exact(events[-1]):
        return []
    records = (public_record(event, city) for event in events)
    return [record for record in records if record is not None]


def public_record(event: Any, city: str) -> Record | None:
    """Return the record of one stored event; None where outsiders may not be told, or it is none.

    The service, the actor and the type's own fields are internal, and so is the trace.
    """
    if not _is_exact(event):
        return None
    try:
        return cloud_record(_public_event(event, city)) if EVENTS[event["type"]].public else None
    except MALFORMED:
        return None


def _is_exact(event: Any) -> bool:
    facts = event.get("facts") if isinstance(event, dict) else None
    return isinstance(facts, dict) and facts.get("public") == "exact"


def _public_event(event: Document, city: str) -> Document:
    facts = event["facts"]
    return {
        "specversion": "1.0",
        "id": event["event_id"],
        "source": f"/cst/{city}",
        "type": PUBLIC_PREFIX + event["type"],
        "subject": event["subject"],
        "time": event["at"],
        "datacontenttype": "application/json",
        "dataschema": PUBLIC_MESSAGE.dataschema,
        "seq": event["seq"],
        "version": event["version"],
        "data": {name: facts[name] for name in PublicFacts.model_fields},
    }
