"""The promise of a request whose category, place or priority was corrected."""

from __future__ import annotations

from typing import Any

from cst_city.catalog import Catalog
from cst_contracts.enums import PriorityName
from cst_ledger.events import Document
from cst_rules import pauses_of, promised_for


def reselected(
    document: Document,
    catalog: Catalog,
    *,
    category: str | None = None,
    zone_id: str | None = None,
    priority: PriorityName | None = None,
) -> dict[str, Any]:
    """Return ``sla_policy`` and ``due_at`` as they follow from what is corrected.

    The clock runs from the creation, less what it stood still; so the time used up stays used. A
    promise that another system made is kept: nobody here made it.
    """
    if document["historic"]:
        return {}
    return catalog.promise(
        category or document["category"],
        zone_id or document["location"]["zone_id"],
        priority or promised_for(document),
        document["timestamps"]["created_at"],
        pauses_of(document),
    )
