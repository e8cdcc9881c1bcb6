"""Answers of the analytics routes."""

from __future__ import annotations

from pydantic import Field

from cst_contracts.base import Instant, Wire


class KpiRow(Wire):
    """Counts of one group; ``key`` is the group's value (null for the totals).

    Duplicates are counted in ``duplicates`` alone: their masters stand for them.
    """

    key: str | None
    requests: int
    duplicates: int = 0
    open: int
    resolved: int = Field(description="Resolved or closed")
    by_status: dict[str, int]
    met: int = Field(description="Resolved by the target")
    missed: int = Field(description="Resolved after the target")
    met_percent: float | None
    mean_resolution_minutes: float | None


class KpiReport(Wire):
    generated_at: Instant
    as_of: Instant | None = Field(
        default=None, description="When the KPIs stood so; null: they are the current ones"
    )
    group_by: str | None
    totals: KpiRow
    groups: list[KpiRow]
