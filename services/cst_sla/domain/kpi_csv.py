"""A report as CSV (RFC 4180, with a header line), and whether that is what a caller wants."""

from __future__ import annotations

import csv
import io
from typing import Any

from cst_contracts.analytics import Backlog, KpiReport, KpiRow
from cst_contracts.enums import STATUSES
from cst_sla.domain.kpi_query import Format

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
#: What a spreadsheet would run as a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Fields of a row that are several columns, with the names of these.
_SPREAD: dict[str, dict[str, str]] = {
    "by_status": {str(status): f"status_{status}" for status in STATUSES},
    "backlog": {name: f"backlog_{name}" for name in Backlog.model_fields},
}


def _columns() -> list[str]:
    spread = {name: list(columns.values()) for name, columns in _SPREAD.items()}
    return [column for name in KpiRow.model_fields for column in spread.get(name, [name])]


COLUMNS = _columns()


def csv_of(report: KpiReport) -> str:
    """Return the groups, a line each; without groups the totals, whose ``key`` is empty.

    What is null is empty, too. A key that a spreadsheet would run begins with an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    rows = [report.totals] if report.group_by is None else report.groups
    writer.writerows(_line(row) for row in rows)
    return text.getvalue()


def _line(row: KpiRow) -> dict[str, Any]:
    line = row.model_dump(exclude=set(_SPREAD))
    line["key"] = _harmless(row.key)
    for name, columns in _SPREAD.items():
        values = row.model_dump(include={name})[name]
        line |= {column: values.get(key, 0) for key, column in columns.items()}
    return line


def _harmless(key: str | None) -> str | None:
    return f"'{key}" if key is not None and key.startswith(_FORMULA) else key


def wanted_format(chosen: Format | None, accept: str | None) -> Format:
    """Return ``chosen``, else what an Accept header (RFC 9110) prefers, else JSON."""
    if chosen is not None:
        return chosen
    weights = _weights(accept or "")
    weight = weights.get("text/csv", 0)
    anything = max(weights.get("application/*", 0), weights.get("*/*", 0))
    wins = weight > weights.get("application/json", 0) and weight >= anything
    return "csv" if wins else "json"


def _weights(accept: str) -> dict[str, float]:
    """Return the weight of each media range; one that can't be read weighs nothing."""
    weights: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        texts = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
        try:
            weights[media] = float(texts[0]) if texts else 1.0
        except ValueError:
            weights[media] = 0.0
    return weights
