"""What geo-analytics makes of the map: zones, clusters, surges, trends, risk and equity.

Duplicates count nowhere, their masters do. Who is no staff gets figures of what is public to the
point. A ``zone_id`` of ``UNKNOWN`` stands for what nobody has placed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from cst_contracts.base import Instant, Latitude, Longitude, Wire

Place = tuple[Longitude, Latitude]
Percent = Annotated[float | None, Field(ge=0, le=100, description="Null of nothing")]
Name = Annotated[str | None, Field(description="Null where the city has no such zone")]
ScopeName = Literal["city", "zone", "cell"]
Probability = Annotated[float, Field(ge=0, le=1)]
_OUTLINE = "A GeoJSON geometry; across the antimeridian its longitudes run on past 180 or -180"
Outline = Annotated[dict[str, Any], Field(description=_OUTLINE)]


class ZoneSummary(Wire):
    """A zone, or all of them. ``…_before`` is of as many days before the span."""

    zone_id: str | None = Field(description="Null in the totals")
    name: Name
    open: int = Field(description="Now")
    overdue: int = Field(description="Of those open, now")
    median_age_hours: float | None = Field(description="Of those open; exact")
    created: int = Field(description="In the span")
    created_before: int
    resolved: int = Field(description="In the span")
    resolved_before: int
    met: int = Field(description="Of those resolved in the span: by the time they were due")
    missed: int = Field(description="Later")
    met_percent: Percent
    met_percent_before: Percent
    median_resolution_hours: float | None = Field(
        description="From creation, of those resolved in the span; within 5 %"
    )
    median_resolution_hours_before: float | None


class ZoneReport(Wire):
    """Zones by id, those without requests too; ``first_day`` to ``last_day`` are the span."""

    generated_at: Instant
    first_day: date
    last_day: date
    totals: ZoneSummary
    zones: list[ZoneSummary]


class CategoryCount(Wire):
    category: str
    count: int


class ClusterProperties(Wire):
    """A cluster; ``max_z`` is the greatest Gi* of its cells, ``categories`` its greatest five."""

    cells: int
    count: int
    weight: float
    max_z: float
    center: Place
    categories: list[CategoryCount]


class ClusterFeature(Wire):
    """A cluster's outline; its id is the first of its cells."""

    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Outline
    properties: ClusterProperties


class HotRule(Wire):
    """What made a cell hot, with its numbers; ``mean`` and ``deviation`` are of ``cells``."""

    text: str
    min_z: float
    weight_formula: str
    cells: int = Field(description="Cells with requests and the empty ones within two steps")
    occupied: int
    hot: int
    mean: float
    deviation: float


class ClusterReport(Wire):
    """Clusters of connected hot cells, the heaviest first."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    generated_at: Instant
    resolution: int
    rule: HotRule
    clusters: int = Field(description="How many there are, also beyond the limit")
    features: list[ClusterFeature]


class Unit(Wire):
    """A category in the city, in a zone or in a cell; ``key`` names the zone or cell."""

    scope: ScopeName
    key: str | None
    name: str | None = Field(description="Of the zone")
    center: Place | None = Field(description="Of the cell")
    category: str


class AgainstHistory(Wire):
    """A day's count against the history's days, those without reports among them.

    ``expected`` is their mean with outliers cut to a fence, ``spread`` its standard deviation,
    ``probability`` that of so many or more on one day.
    """

    count: int
    expected: float
    spread: float
    median: float
    mean: float
    most: int = Field(description="On any day of the history")
    ratio: float = Field(description="Count by expected")
    z: float
    probability: Probability


class SurgeRow(Unit):
    """A day that stands out, all of it and without what was typed in."""

    all_reports: AgainstHistory
    without_typed_in: AgainstHistory
    typed_in: int = Field(description="By staff's sources, or in one go without any source")
    sources: dict[str, int]
    peak_hour: int | None = Field(ge=0, le=23, description="The local hour with the most reports")
    peak_hour_count: int
    reasons: list[Literal["staff_entries", "one_hour"]] = Field(
        description="Why it is no surge; empty where it is one"
    )


class SurgeRule(Wire):
    """What makes a surge: all of it has to hold, for all reports and without those typed in."""

    min_count: int
    min_ratio: float
    max_probability: float
    min_history: int
    one_hour_share: float
    staff_sources: list[str]


class SurgeReport(Wire):
    """Surges of a local day, and what looks like one and is none; the least likely first."""

    generated_at: Instant
    day: date
    history_from: date
    history_days: int = Field(description="Before the day, since the first with any report")
    rule: SurgeRule
    tested: int = Field(description="Categories in city, zones and cells with enough reports")
    surges: list[SurgeRow]
    not_surges: list[SurgeRow]


class TrendRow(Unit):
    """How often it was reported lately and before, without what staff typed in."""

    recent: int
    before: int
    ratio: float | None = Field(description="Null where there were none before")
    probability: Probability
    typed_in_recent: int = Field(description="Left out: by staff's sources")
    typed_in_before: int


class TrendRule(Wire):
    text: str
    false_share: float
    min_total: int


class TrendReport(Wire):
    """What emerges and what fades, the least likely by chance first."""

    generated_at: Instant
    first_day: date
    last_day: date
    before_from: date
    before_to: date
    rule: TrendRule
    tested: int
    emerging: list[TrendRow]
    fading: list[TrendRow]


class CategoryRisk(Wire):
    category: str
    due: int
    overdue: int


class Risk(Wire):
    """Open requests whose promise is broken, or is about to be."""

    due: int = Field(description="Falls due by `until`")
    overdue: int
    next_due_at: Instant | None = Field(
        description="When the next falls due; beyond this hour, the beginning of the hour it does"
    )
    hours_to_next: float | None
    categories: list[CategoryRisk] = Field(description="Most due first")


class CellRisk(Risk):
    cell: str


class RiskFeature(Wire):
    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Outline
    properties: CellRisk


class ZoneRisk(Risk):
    zone_id: str
    name: Name


class RiskReport(Wire):
    """Where promises break next: hexagons and zones, most due first. Boxes leave zones alone."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    generated_at: Instant
    until: Instant
    resolution: int
    totals: Risk
    features: list[RiskFeature]
    zones: list[ZoneRisk]


class MedianResolution(Wire):
    """How long half of the resolved requests took at most, and how sure that is.

    With the report's confidence the true median lies between ``low_hours`` and ``high_hours``. Of
    few requests there is none, so that nobody reads anything into it.
    """

    count: int
    few: bool
    median_hours: float | None = Field(description="Within 5 %")
    low_hours: float | None
    high_hours: float | None


class Share(MedianResolution):
    """A place against the city."""

    ratio: float | None = Field(description="Its median by the city's")
    differs: bool = Field(description="The city's median lies outside the interval")


class ZoneShare(Share):
    zone_id: str
    name: Name


class CellShare(Share):
    cell: str


class CellShareFeature(Wire):
    type: Literal["Feature"] = "Feature"
    id: str
    geometry: Outline
    properties: CellShare


class EquityReport(Wire):
    """Median resolution by zone and by cell, of what was resolved in the months. Boxes leave
    zones and the city alone."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    generated_at: Instant
    first_month: str
    last_month: str
    confidence: float
    few_below: int
    resolution: int
    city: MedianResolution
    zones: list[ZoneShare]
    features: list[CellShareFeature]
