"""The document as staff read it over REST; shared by every service that answers with a request."""

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
        },
    }


def _hex(oid: Any) -> str | None:
    return None if oid is None else str(oid)
