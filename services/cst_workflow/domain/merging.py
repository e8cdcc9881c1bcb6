"""Merging by hand: what speaks against it, and what it changes of the master."""

from __future__ import annotations

from typing import Any

from cst_city.catalog import Catalog
from cst_contracts.enums import PRIORITIES
from cst_core.errors import Conflict
from cst_ledger.events import By, Document, NewEvent
from cst_workflow.domain.duplicates import is_open
from cst_workflow.domain.promises import reselected

MERGE_RULE = "merge"


def check_mergeable(duplicate: Document, master: Document) -> None:
    """Raise ``Conflict`` unless both are open, live, of one category, and the duplicate runs.

    Args:
        duplicate: what becomes a duplicate; must not be one already.
        master: what becomes its master; is none's duplicate.
    """
    request_id, master_id = duplicate["request_id"], master["request_id"]
    if master_id == request_id:
        raise Conflict(f"{request_id} cannot be a duplicate of itself or of its own duplicate")
    if (current := duplicate["duplicates"]["master_request_id"]) is not None:
        raise Conflict(
            f"{request_id} is a duplicate of {current} already; unmerge it first",
            master_request_id=current,
        )
    if duplicate["category"] != master["category"]:
        raise Conflict(
            f"{request_id} is of category {duplicate['category']}, {master_id} of "
            f"{master['category']}; correct the category first",
            category=duplicate["category"],
            master_category=master["category"],
        )
    for document in (duplicate, master):
        _check_live(document)
    if duplicate["workflow"]["hold"] is not None:
        raise Conflict(f"{request_id} is on hold; resume it first")


def _check_live(document: Document) -> None:
    request_id, status = document["request_id"], document["status"]
    if document["historic"]:
        raise Conflict(f"{request_id} is history from another system")
    if not is_open(document):
        raise Conflict(
            f"{request_id} is {status}; only open requests are merged", current_state=status
        )


def raised(master: Document, duplicate: Document, catalog: Catalog, by: By) -> tuple[NewEvent, ...]:
    """Return the event that raises a master to the urgency of what is merged into it, if it does.

    The policy is chosen again, with the time that the clock has stood still.
    """
    old, new = master["priority"], duplicate["priority"]
    if PRIORITIES.index(new) >= PRIORITIES.index(old):
        return ()
    changes: dict[str, Any] = {"priority": new, **reselected(master, catalog, priority=new)}
    if duplicate["danger"] is not None and master["danger"] is None:
        changes["danger"] = duplicate["danger"]
    meta = {"from_priority": old, "to_priority": new, "rule": MERGE_RULE}
    return (NewEvent("priority_changed", by, changes=changes, meta=meta),)
