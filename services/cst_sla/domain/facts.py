"""A request's row in ``kpi_facts``: all that reports count of it, and nothing they have to look up.

It follows from the request's document and the city. What is nothing (no rating, not resolved) is
left out of a row, so that what is pushed together over many rows has no gaps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cst_city.catalog import Catalog
from cst_contracts.enums import OPEN_STATUSES
from cst_contracts.events import EVENTS
from cst_ledger.events import Document
from cst_sla.domain.clock import BREACHED, fired
from cst_sla.domain.kpis import (
    business_minutes,
    first_response_minutes,
    resolution_minutes,
    state_of,
)

Row = dict[str, Any]

#: The events that may change a row: all but those that change nothing it is made of, and those
#: that SLA writes itself, together with the row.
MOVING = frozenset(EVENTS) - {
    "released",
    "hidden",
    "redacted",
    "visibility_changed",
    "notice_repeated",
    "sla_at_risk",
    "sla_response_missed",
    "sla_overdue",
    "sla_breached",
}
#: Department of a category that the city has no more.
NO_DEPARTMENT = "unknown"
#: Lists that a report gathers over rows, and how each follows from a request, in minutes.
SPANS: dict[str, Callable[[Document], float | None]] = {
    "seconds": resolution_minutes,
    "business_seconds": business_minutes,
    "response_seconds": first_response_minutes,
}


def fact_of(document: Document, catalog: Catalog) -> Row:
    """Return the row of a request, without its key.

    What every row has: ``category``, ``zone_id``, ``priority``, ``status``, ``department`` (who
    answers for the category, or who had it where it was imported from), ``agent`` (an ObjectId or
    None), ``is_master``, and the local ``day`` (``2026-03-02``) and ISO ``week`` (``2026-W10``) of
    its creation. Where it was rated, ``rating`` is 1 to 5.

    A duplicate has no more: its master stands for it. Else there are ``sla_state``, ``breached``,
    ``escalations`` and ``reopened`` (counts), ``open_since`` while it is open, and, in whole
    seconds, what the spans below are.

    Args:
        document: the request, whole or with the fields that SLA reads.
        catalog: the city; its time zone decides what a day is.
    """
    created: datetime = document["timestamps"]["created_at"]
    row = {
        "category": document["category"],
        "department": _department(document, catalog),
        "zone_id": document["location"]["zone_id"],
        "priority": document["priority"],
        "status": document["status"],
        "agent": document["assignment"]["assigned_agent_id"],
        "is_master": document["duplicates"]["is_master"],
        **_calendar_day(created.astimezone(ZoneInfo(catalog.city.timezone))),
    }
    if document["rating"] is not None:
        row["rating"] = document["rating"]
    return row | _measured(document) if row["is_master"] else row


def _department(document: Document, catalog: Catalog) -> str:
    source = document["source"] or {}
    if source.get("department") is not None:
        return str(source["department"])
    category = catalog.categories.get(document["category"])
    return NO_DEPARTMENT if category is None else category.department


def _calendar_day(local: datetime) -> dict[str, str]:
    year, week, _ = local.isocalendar()
    return {"day": local.date().isoformat(), "week": f"{year:04}-W{week:02}"}


def _measured(document: Document) -> Row:
    row: Row = {
        "sla_state": state_of(document),
        "breached": BREACHED in fired(document),
        "escalations": document["escalations"],
        "reopened": document["reopened"],
    }
    if document["status"] in OPEN_STATUSES:
        row["open_since"] = document["timestamps"]["created_at"]
    for name, minutes_of in SPANS.items():
        minutes = minutes_of(document)
        if minutes is not None:
            row[name] = round(minutes * 60)
    return row
