"""Who sees what of a request: its reporter their words, the public what it may."""

from __future__ import annotations

from typing import Any

from cst_contracts.events import EVENTS
from cst_contracts.requests import CreatedRequest, FollowedRequest, PublicRequest
from cst_ledger.events import Document


def is_public(document: Document) -> bool:
    """Tell whether anybody may see this very request.

    Categories that are public as an area, or as totals only, show no single request: their numbers
    run on, so that somebody could otherwise read the area's reports one by one.
    """
    return bool(document["public"] == "exact")


def public_fields(document: Document) -> dict[str, Any]:
    """Return the fields of ``PublicRequest``."""
    location, times = document["location"], document["timestamps"]
    point = {"coordinates": location["coordinates"], "zone_id": location["zone_id"]}
    return {
        "request_id": document["request_id"],
        "category": document["category"],
        "status": document["status"],
        "priority": document["priority"],
        "created_at": times["created_at"],
        "updated_at": times["updated_at"],
        "due_at": document["due_at"],
        "resolved_at": times["resolved_at"],
        "location": point if location["located"] else None,
        "is_master": document["duplicates"]["is_master"],
        "version": document["version"],
        "description": document["description"] if document["text_public"] else None,
        "photos": [item["url"] for item in document["evidence"] if is_public_photo(item)],
    }


def is_public_photo(item: Document) -> bool:
    """Tell whether a piece of evidence is a photo that the public may see."""
    return item["type"] == "photo" and is_shown(item)


def is_shown(item: Document) -> bool:
    """Tell whether the public may see a piece of evidence: released, and not erased."""
    return item["visibility"] == "public" and item["url"] is not None


def as_shown_now(past: Document, now: Document) -> Document:
    """Return a request of the past with what was hidden or erased since hidden and erased."""
    items = {item["evidence_id"]: item for item in now["evidence"]}
    return past | {
        "text_public": now["text_public"],
        "evidence": [items[item["evidence_id"]] for item in past["evidence"]],
    }


def public_view(document: Document) -> PublicRequest:
    """Return what anybody may see of a public request."""
    return PublicRequest.model_validate(public_fields(document))


def _followed_fields(document: Document) -> dict[str, Any]:
    return public_fields(document) | {
        "description": document["description"],
        "address_hint": document["location"]["address_hint"],
    }


def followed_view(document: Document) -> FollowedRequest:
    """Return what its reporter sees."""
    return FollowedRequest.model_validate(_followed_fields(document))


def created_view(document: Document, follow_url: str, advice: str | None) -> CreatedRequest:
    """Return the answer to a create."""
    return CreatedRequest.model_validate(
        _followed_fields(document)
        | {
            "zone_id": document["location"]["zone_id"],
            "follow_url": follow_url,
            "emergency_advice": advice,
        }
    )


def is_public_event(event: Document) -> bool:
    """Tell whether anybody may know that an event of this type has happened."""
    return EVENTS[event["type"]].public


def public_event(event: Document) -> dict[str, Any]:
    """Return what anybody may see of a public event: that it happened, and when."""
    return {"seq": event["seq"], "type": event["type"], "at": event["at"]}
