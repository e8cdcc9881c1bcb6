"""From sums to KPI rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from cst_contracts.analytics import KpiRow
from cst_contracts.enums import OPEN_STATUSES
from cst_ledger.events import Document


def kpi_row(key: str | None, sums: Iterable[Document]) -> KpiRow:
    """Return the KPIs of a group from its sums ({status, n, duplicates, resolved, …})."""
    by_status: defaultdict[str, int] = defaultdict(int)
    totals: defaultdict[str, float] = defaultdict(float)
    for row in sums:
        by_status[row["status"]] += round(row["n"])
        for name in ("duplicates", "resolved", "seconds", "met", "missed"):
            totals[name] += row[name]
    judged = totals["met"] + totals["missed"]
    return KpiRow(
        key=key,
        requests=sum(by_status.values()),
        duplicates=round(totals["duplicates"]),
        open=sum(count for status, count in by_status.items() if status in OPEN_STATUSES),
        resolved=round(totals["resolved"]),
        by_status={status: count for status, count in sorted(by_status.items()) if count},
        met=round(totals["met"]),
        missed=round(totals["missed"]),
        met_percent=round(100 * totals["met"] / judged, 2) if judged else None,
        mean_resolution_minutes=(
            round(totals["seconds"] / 60 / totals["resolved"], 2) if totals["resolved"] else None
        ),
    )
