"""Triage by rule: what a new request of a known category becomes."""

from __future__ import annotations

from collections.abc import Sequence

from cst_city.catalog import Catalog
from cst_ledger.events import By, Document, NewEvent

TRIAGE = By("system", "triage")


def triage(document: Document, catalog: Catalog) -> Sequence[NewEvent]:
    """Return the ``triaged`` event, or nothing when the request waits for staff.

    Staff triage what is already past ``new``, what was imported, and every category that says
    ``triage: staff`` or that the city no longer has.
    """
    category = catalog.categories.get(document["category"])
    by_staff = category is None or category.triage == "staff"
    if document["status"] != "new" or document["historic"] or by_staff:
        return ()
    rule = f"category:{document['category']}"
    return (NewEvent("triaged", TRIAGE, changes={"status": "triaged"}, meta={"rule": rule}),)
