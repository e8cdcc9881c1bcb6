"""Answers of the analytics routes.

Percentiles are those of numpy's default and of PERCENTILE.INC: of n sorted values the one at
position p (n - 1), counted from 0, and between two positions in proportion.
"""

from __future__ import annotations

from pydantic import Field

from cst_contracts.base import Instant, Wire


class Backlog(Wire):
    """Open requests by their age at the report's instant; a day has 24 hours.

    Each counts in the first that its age is not above.
    """

    up_to_1_day: int
    up_to_3_days: int
    up_to_7_days: int
    up_to_30_days: int
    up_to_90_days: int
    over_90_days: int


class KpiRow(Wire):
    """KPIs of one group; ``key`` is the group's value (null for the totals).

    Duplicates are counted in ``duplicates`` and, rated, in the ratings, and in no other number:
    their masters stand for them. Imported requests count as others. Times are in minutes, to the
    second, and null where there is nothing to measure.
    """

    key: str | None
    requests: int = Field(description="All but duplicates")
    duplicates: int = 0
    open: int = Field(description="New, triaged, assigned or in progress")
    resolved: int = Field(description="The work was done; without those closed without work")
    by_status: dict[str, int]
    met: int = Field(description="Ended, with or without work, by the target, never breached")
    missed: int = Field(description="Ended after the target, or breached before")
    met_percent: float | None = Field(
        ge=0, le=100, description="Met of those met or missed; null where there are none"
    )
    breaches: int = Field(description="Requests whose promise was broken, whatever came after")
    escalations: int = Field(description="How often anybody or a policy escalated one")
    reopened: int = Field(description="How often one was thought done, and was not")
    mean_resolution_minutes: float | None = Field(
        description="From creation to resolution, by the clock, holds included"
    )
    median_resolution_minutes: float | None = Field(description="As the mean")
    p90_resolution_minutes: float | None = Field(description="As the mean; 90th percentile")
    median_business_minutes: float | None = Field(
        description="From creation to resolution in the hours of each promise's own calendar, "
        "without holds; of those with a promise"
    )
    p90_business_minutes: float | None = Field(description="As the median; 90th percentile")
    responded: int = Field(description="Staff or an agent has done something with it")
    median_first_response_minutes: float | None = Field(
        description="From creation to what staff or an agent did first, by the clock"
    )
    p90_first_response_minutes: float | None = Field(description="As the median; 90th percentile")
    backlog: Backlog
    ratings: int = Field(description="Rated requests, duplicates with them")
    mean_rating: float | None = Field(description="1 to 5")


class KpiReport(Wire):
    """KPIs in total and by group; without ``group_by`` there are no groups."""

    generated_at: Instant
    as_of: Instant | None = Field(
        default=None, description="When the KPIs stood so; null: they are the current ones"
    )
    group_by: str | None
    totals: KpiRow
    groups: list[KpiRow] = Field(
        description="In the order of their keys; agent `unassigned`: nobody is, department "
        "`unknown`: the city does not have its category any more"
    )
