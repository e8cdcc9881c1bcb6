"""Who sees what of a request: its reporter their words, the public what it may."""

from __future__ import annotations

from collections.abc import Iterable
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
    }


def public_view(document: Document) -> PublicRequest:
    """Return what anybody may see of a public request."""
    return PublicRequest.model_validate(public_fields(document))


def _followed_fields(document: Document) -> dict[str, Any]:
    return public_fields(document) | {
        "description": document["description"] or "",
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


def public_events(events: Iterable[Document]) -> list[dict[str, Any]]:
    """Return what anybody may see of events: of the public ones, that they happened, and when."""
    return [
        {"seq": event["seq"], "type": event["type"], "at": event["at"]}
        for event in events
        if EVENTS[event["type"]].public
    ]


def staff_events(events: Iterable[Document]) -> list[dict[str, Any]]:
    """Return stored events with their ids in JSON."""
    return [{key: _json(value) for key, value in event.items()} for event in events]


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items() if key != "salt"}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if type(value).__name__ == "ObjectId" else value
