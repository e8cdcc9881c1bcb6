"""Corrections by staff: what may be corrected, by whom, and the events they mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cst_city.catalog import Catalog
from cst_city.models import Category
from cst_contracts.enums import OPEN_STATUSES, PRIORITIES, PriorityName, PublicityName
from cst_contracts.triage import CategoryCorrection
from cst_core.errors import Conflict, Forbidden
from cst_drafts import publicity
from cst_ledger.events import By, Document, NewEvent
from cst_rules import PriorityChoice, choose_priority
from cst_workflow.domain.danger import is_dangerous
from cst_workflow.domain.promises import reselected

#: ``rule`` of a priority that a corrected category raised.
CATEGORY_RULE = "category"
#: From what the public sees most to what it sees least.
_PUBLICITY: tuple[PublicityName, ...] = ("exact", "area", "none")


def check_correctable(document: Document, what: str) -> None:
    """Raise ``Conflict`` unless the request is open, and nobody else's duplicate."""
    request_id, status = document["request_id"], document["status"]
    if status not in OPEN_STATUSES:
        raise Conflict(
            f"{request_id} is {status}; the {what} of open requests only can be corrected",
            current_state=status,
        )
    master = document["duplicates"]["master_request_id"]
    if master is not None:
        raise Conflict(
            f"{request_id} is a duplicate of {master}: correct that one, or unmerge it first",
            master_request_id=master,
        )


def check_priority(document: Document, priority: str, *, supervises: bool) -> None:
    """Check that a priority may be corrected to ``priority``.

    Raises:
        Conflict: it has it already, or a danger must be lowered first.
        Forbidden: only supervisors lower a P1.
    """
    request_id, current = document["request_id"], document["priority"]
    if priority == current:
        raise Conflict(f"{request_id} is {current} already", priority=current)
    if current != "P1":
        return
    if is_dangerous(document):
        raise Conflict(
            f"{request_id} is held dangerous: a supervisor lowers it by "
            f"POST /requests/{request_id}/danger"
        )
    if not supervises:
        raise Forbidden("only supervisors and admins lower a P1")


def check_promise(document: Document, due_at: datetime | None, *, supervises: bool) -> None:
    """Raise ``Forbidden`` where others than supervisors would put off what was promised."""
    promised = document["due_at"]
    put_off = promised is not None and (due_at is None or due_at > promised)
    if put_off and not supervises:
        raise Forbidden(
            "this would lengthen the promise of the request, which only supervisors and admins may",
            due_at=promised,
        )


def priority_changed(
    document: Document, priority: str, promise: Mapping[str, Any], by: By, reason: str
) -> NewEvent:
    """Return the event of a corrected priority, with the ``promise`` it selects."""
    meta = {"from_priority": document["priority"], "to_priority": priority, "rule": None}
    changes = {"priority": priority, **promise}
    return NewEvent("priority_changed", by, changes=changes, meta=meta, message=reason)


def category_events(
    document: Document,
    command: CategoryCorrection,
    catalog: Catalog,
    by: By,
    *,
    shared: bool,
) -> list[NewEvent]:
    """Return the events of a corrected category; one that is more urgent raises the priority.

    Args:
        document: the request as it stands.
        command: the correction; its category is the city's.
        catalog: the city.
        by: who corrects it.
        shared: whether its reporter lets the public see it to the point.

    Raises:
        Conflict: it is of that category and sub-category already.
    """
    old, new = document["category"], command.category
    if (old, document["sub_category"]) == (new, command.sub_category):
        raise Conflict(f"{document['request_id']} is of category {new} already", category=new)
    category = catalog.category(new)
    changes: dict[str, Any] = {"category": new, "sub_category": command.sub_category}
    if new != old:
        seen = _seen(document["public"], catalog.categories.get(old), category, shared=shared)
        changes |= {"public": seen, **reselected(document, catalog, category=new)}
    meta = {"from_category": old, "to_category": new}
    corrected = NewEvent("category_changed", by, changes=changes, meta=meta, message=command.reason)
    return [corrected, *_raised(document, category, catalog, by)]


def _seen(
    now: PublicityName, old: Category | None, new: Category, *, shared: bool
) -> PublicityName:
    """Return what the public may see under the new category; what staff have hidden stays so."""
    follows = publicity(new.public, shared=shared)
    if old is not None and now == publicity(old.public, shared=shared):
        return follows
    return max(now, follows, key=_PUBLICITY.index)


def _raised(document: Document, category: Category, catalog: Catalog, by: By) -> list[NewEvent]:
    """The category's own rules raise; the city's danger words have been judged at filing."""
    choice = choose_priority(category, document["description"] or "", danger_words={})
    more_urgent = PRIORITIES.index(choice.priority) < PRIORITIES.index(document["priority"])
    changes: dict[str, Any] = {}
    if more_urgent:
        changes = {"priority": choice.priority} | reselected(
            document, catalog, category=category.code, priority=choice.priority
        )
    if choice.dangerous and not is_dangerous(document):
        changes |= {"danger": {"reason": choice.reason, "state": "unconfirmed"}}
    if not changes:
        return []
    meta = _raise_meta(document["priority"], choice)
    return [NewEvent("priority_changed", by, changes=changes, meta=meta)]


def _raise_meta(old: PriorityName, choice: PriorityChoice) -> dict[str, Any]:
    to = min(old, choice.priority, key=PRIORITIES.index)
    return {"from_priority": old, "to_priority": to, "rule": f"{CATEGORY_RULE}: {choice.reason}"}


def location_changed(
    document: Document,
    location: Mapping[str, Any],
    address_hint: str | None,
    catalog: Catalog,
    by: By,
    reason: str,
) -> NewEvent:
    """Return the event of a corrected place; the hint of the old one goes with it."""
    zone_id = location["zone_id"]
    changes = {f"location.{name}": value for name, value in location.items() if name != "type"}
    changes |= reselected(document, catalog, zone_id=zone_id)
    meta = {"from_zone_id": document["location"]["zone_id"], "to_zone_id": zone_id}
    return NewEvent(
        "location_changed",
        by,
        changes=changes,
        meta=meta,
        message=reason,
        address_hint=address_hint,
    )
