"""How much of a request the public may see: the category's choice, less what its citizen asks."""

from __future__ import annotations

from collections.abc import Mapping

from cst_city.models import Category
from cst_ledger.events import Document


def shares(citizen: Document | None) -> bool:
    """Tell whether a citizen lets the public see their reports to the point."""
    return citizen is None or bool(citizen["preferences"]["privacy"]["share_publicly_on_map"])


def opted_out(document: Document, citizen: Document | None) -> bool:
    """Tell whether a request is the public's as an area only: by its own wish, or its citizen's."""
    asked = document["citizen_ref"].get("share_publicly", True)
    return not (asked and shares(citizen))


def wished(document: Document, categories: Mapping[str, Category], citizen: Document | None) -> str:
    """Return the publicity of a request under its citizen's preferences as they are now.

    An opt-out lowers what is public to the point, whatever has become of its category; taking it
    back raises only what the category lets everybody see. What is hidden stays hidden.
    """
    now: str = document["public"]
    if opted_out(document, citizen):
        return "area" if now == "exact" else now
    category = categories.get(document["category"])
    raised = now == "area" and category is not None and category.public == "exact"
    return "exact" if raised else now
