"""Triage by rule: what a new request becomes, and which rule says so."""

from __future__ import annotations

from collections.abc import Sequence

from cst_city.catalog import Catalog
from cst_city.models import Category
from cst_ledger.events import By, Document, NewEvent
from cst_rules import find_word

TRIAGE = By("system", "triage")


def triage(document: Document, catalog: Catalog) -> Sequence[NewEvent]:
    """Return the ``triaged`` event, or nothing when the request waits for staff.

    Staff triage what no rule covers. What is past ``new``, on hold, another's duplicate, or was
    imported is left alone.
    """
    if (
        document["status"] != "new"
        or document["historic"]
        or document["workflow"]["hold"] is not None
        or not document["duplicates"]["is_master"]
    ):
        return ()
    rule = rule_of(document, catalog.categories.get(document["category"]))
    if rule is None:
        return ()
    return (NewEvent("triaged", TRIAGE, changes={"status": "triaged"}, meta={"rule": rule}),)


def rule_of(document: Document, category: Category | None) -> str | None:
    """Return the rule that triages a request: its category's, or that of a word; None for none."""
    if category is None:
        return None
    if category.triage == "auto":
        return f"category:{category.code}"
    word = find_word(document["description"] or "", category.triage_words)
    return None if word is None else f"word:{word} (category {category.code})"


def waits_because(document: Document, category: Category | None) -> str:
    """Return why a new request waits for staff."""
    code = document["category"]
    if category is None:
        return f"category {code} is none of the city's any more"
    if document["workflow"]["hold"] is not None:
        return f"it is on hold: {document['workflow']['hold']['reason']}"
    return f"category {code} is triaged by staff, and no word of it says enough for a rule"
