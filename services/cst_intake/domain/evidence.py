"""Pieces of evidence in a request: how many, how visible, who sees which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cst_contracts.evidence import EvidenceVisibility
from cst_core.errors import Conflict, NotFound
from cst_intake.domain.views import is_shown
from cst_ledger.events import By, Document, NewEvent

MAX_ITEMS = 20


def check_room(document: Document) -> None:
    """Raise ``Conflict`` where a request has as much evidence as it may; erased ones count not."""
    held = sum(item["url"] is not None for item in document["evidence"])
    if held >= MAX_ITEMS:
        raise Conflict(
            f"{document['request_id']} has {held} pieces of evidence; at most {MAX_ITEMS}",
            limit=MAX_ITEMS,
        )


def initial_visibility(
    asked: EvidenceVisibility | None, by: By, *, free_text_open: bool
) -> EvidenceVisibility:
    """Return how visible a new piece is: staff and agents choose, a citizen's waits for staff."""
    if by.actor_type == "citizen":
        return (asked or "public") if free_text_open else "internal"
    return asked or "internal"


def new_item(
    request_id: str, evidence_id: str, by: By, now: datetime, **fields: Any
) -> dict[str, Any]:
    """Return a piece of evidence as the request holds it; its address is ours in any case.

    ``fields`` are type, sha256, visibility, content_type and size.
    """
    return {
        "type": fields["type"],
        "url": f"/requests/{request_id}/evidence/{evidence_id}",
        "sha256": fields["sha256"],
        "uploaded_by": by.actor_type,
        "uploaded_at": now,
        "evidence_id": evidence_id,
        "visibility": fields["visibility"],
        "content_type": fields["content_type"],
        "size": fields["size"],
    }


def added(document: Document, item: dict[str, Any], by: By) -> NewEvent:
    """Return the event that adds ``item`` to a request."""
    meta = {
        "evidence_id": item["evidence_id"],
        "evidence_type": item["type"],
        "sha256": item["sha256"],
        "uploaded_by": item["uploaded_by"],
        "visibility": item["visibility"],
    }
    place = f"evidence.{len(document['evidence'])}"
    return NewEvent("evidence_added", by, changes={place: item}, meta=meta)


def visible_items(document: Document, *, all_of_it: bool, reporter: bool) -> list[Document]:
    """Return what somebody sees.

    Staff and agents see all, the reporter what citizens uploaded and what is public, others what
    is public of a request that is so to the point.
    """
    items: list[Document] = document["evidence"]
    if all_of_it:
        return items
    public = [item for item in items if is_shown(item)]
    if reporter:
        return [item for item in items if item["uploaded_by"] == "citizen" or item in public]
    return public if document["public"] == "exact" else []


def one_of(items: list[Document], document: Document, evidence_id: str) -> Document:
    """Return one of the visible items.

    Raises:
        NotFound: it is not among them, or its content is erased.
    """
    for item in items:
        if item["evidence_id"] == evidence_id and item["url"] is not None:
            return item
    raise NotFound(f"no evidence {evidence_id} of {document['request_id']}")
