"""Documents and events as staff read them over REST; shared by every service that shows them."""

from __future__ import annotations

from typing import Any

from cst_ledger.events import Document


def staff_view(document: Document) -> dict[str, Any]:
    """Return the whole document as ``ServiceRequest`` reads it (``_id`` as ``id``)."""
    assignment = document["assignment"]
    agent = assignment["assigned_agent_id"]
    return {
        **document,
        "id": str(document["_id"]),
        "citizen_ref": {
            **document["citizen_ref"],
            "citizen_id": _hex(document["citizen_ref"]["citizen_id"]),
        },
        "assignment": {
            **assignment,
            "assigned_agent_id": _hex(agent),
            "auto_assign_candidate_agents": [
                str(oid) for oid in assignment["auto_assign_candidate_agents"]
            ],
            "past_agent_ids": [str(oid) for oid in assignment["past_agent_ids"]],
        },
    }


def _hex(oid: Any) -> str | None:
    return None if oid is None else str(oid)


def staff_event(event: Document) -> dict[str, Any]:
    """Return a stored event with its ids in JSON and without the salt of its text."""
    return {key: _json(value) for key, value in event.items()}


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items() if key != "salt"}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if type(value).__name__ == "ObjectId" else value
