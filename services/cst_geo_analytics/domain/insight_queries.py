"""Query parameters of zones, clusters, surges, trends, risk and equity, and their checks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cst_city.catalog import Catalog
from cst_contracts.enums import OPEN_STATUSES, StatusName
from cst_core.errors import InvalidInput
from cst_geo import Box
from cst_geo.params import parse_box
from cst_geo_analytics.domain.clusters import MIN_Z
from cst_geo_analytics.domain.queries import MAX_RISK_HOURS, Day
from cst_geo_analytics.domain.surge import MIN_HISTORY

Month = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-03"])]
Scope = Literal["city", "zone", "cell"]
SCOPES: tuple[Scope, ...] = ("city", "zone", "cell")
#: No report of a city that this serves is older.
EARLIEST = date(1900, 1, 1)
#: How many months an answer may look back over.
MAX_MONTHS = 120
_BOX = (
    "west,south,east,north in degrees: cells whose centre lies in it. West above east is across "
    "the antimeridian, with west from 90 and east up to -90"
)


class InsightQuery(BaseModel):
    """What all of them are filtered by; several categories mean any of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    category: list[str] = []

    def check(self, catalog: Catalog) -> None:
        """Raise ``InvalidInput`` for a category that the city does not have."""
        for code in self.category:
            catalog.category(code)

    def wanted(self, *, staff: bool) -> dict[str, Any]:
        """Return the MongoDB filter; who is no staff gets sums of what is public to the point."""
        wanted: dict[str, Any] = {} if staff else {"public": "exact"}
        return wanted | ({"category": {"$in": sorted(set(self.category))}} if self.category else {})


class BoxQuery(InsightQuery):
    """A query for cells in view."""

    bbox: str | None = Field(default=None, max_length=200, description=_BOX)

    @property
    def box(self) -> Box | None:
        """What ``bbox`` says; ``InvalidInput`` where that is no box."""
        return None if self.bbox is None else parse_box(self.bbox)


class ZonesQuery(InsightQuery):
    """Query parameters of the zones' summaries."""

    days: int = Field(
        default=30,
        ge=1,
        le=366,
        description="Local days up to today; compared with as many before them",
    )


class ClustersQuery(BoxQuery):
    """Query parameters of the clusters."""

    status: list[StatusName] = Field(default=[], description="Without it: what is open")
    resolution: int = Field(default=9, ge=6, le=10, description="H3 resolution of the cells")
    weight: Literal["count", "priority"] = Field(
        default="count", description="priority: sum of P1=8, P2=4, P3=2, P4=1"
    )
    min_z: float = Field(
        default=MIN_Z, ge=1, le=20, allow_inf_nan=False, description="A cell is hot from this Gi*"
    )
    limit: int = Field(default=50, ge=1, le=200, description="The heaviest so many")

    @property
    def statuses(self) -> frozenset[str]:
        """The statuses asked for."""
        return frozenset(self.status) or OPEN_STATUSES


class ScopedQuery(InsightQuery):
    """A query for categories in the city, its zones and its cells."""

    scope: list[Scope] = Field(default=[], description="Without it: all of them")
    resolution: int = Field(default=7, ge=5, le=8, description="H3 resolution of the scope cell")
    limit: int = Field(default=100, ge=1, le=500, description="At most so many of each list")

    @property
    def scopes(self) -> list[Scope]:
        """The scopes asked for, in order."""
        return [scope for scope in SCOPES if scope in (self.scope or SCOPES)]


class SurgesQuery(ScopedQuery):
    """Query parameters of the surges."""

    day: Day | None = Field(default=None, description="Local day; without it: today, so far")
    history: int = Field(
        default=90, ge=MIN_HISTORY, le=365, description="Days before it that it is compared with"
    )

    def last_day(self, today: date) -> date:
        """Return the day asked for; ``InvalidInput`` where it is none that has been."""
        return today if self.day is None else past_day("day", self.day, today)


class TrendsQuery(ScopedQuery):
    """Query parameters of what emerges and what fades."""

    days: int = Field(
        default=28, ge=7, le=183, description="Local days, compared with as many before them"
    )
    to_day: Day | None = Field(
        default=None, alias="to", description="The last of them; without it: yesterday"
    )

    def last_day(self, today: date) -> date:
        """Return the last day; ``InvalidInput`` where it is none that has been."""
        if self.to_day is None:
            return today - timedelta(days=1)
        return past_day("to", self.to_day, today)


class RiskQuery(BoxQuery):
    """Query parameters of the map of promises about to be broken."""

    resolution: int = Field(default=8, ge=5, le=10, description="H3 resolution")
    hours: int = Field(
        default=24, ge=1, le=MAX_RISK_HOURS, description="How far ahead a promise may fall due"
    )


class EquityQuery(BoxQuery):
    """Query parameters of the equity view; months are local ones of resolution, both inclusive."""

    resolution: int = Field(default=7, ge=5, le=8, description="H3 resolution of the cells")
    from_month: Month | None = Field(
        default=None, alias="from", description="Without it: eleven months before the last"
    )
    to_month: Month | None = Field(default=None, alias="to", description="Without it: this month")

    def months(self, today: date) -> tuple[str, str]:
        """Return the first and the last month.

        Raises:
            InvalidInput: the first is after the last, the last is to come, or there are too many.
        """
        now = f"{today:%Y-%m}"
        for name, month in (("from", self.from_month), ("to", self.to_month)):
            if month is not None and not f"{EARLIEST:%Y-%m}" <= month <= now:
                message = "is in the future" if month > now else "is too long ago"
                allowed = [f"YYYY-MM, {EARLIEST:%Y-%m} to {now}"]
                raise InvalidInput.field(name, message, month, allowed)
        last = self.to_month or now
        first = self.from_month or months_before(last, 11)
        if first > last:
            raise InvalidInput.field("from", "is after to", first, [f"at most {last}"])
        earliest = months_before(last, MAX_MONTHS - 1)
        if first < earliest:
            allowed = [f"from {earliest} on, {MAX_MONTHS} months"]
            raise InvalidInput.field("from", "is too far before to", first, allowed)
        return first, last


def months_before(month: str, count: int) -> str:
    """Return the month so many before another."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1 - count
    return f"{number // 12:04}-{number % 12 + 1:02}"


def past_day(name: str, text: str, today: date) -> date:
    """Read a day that is not to come.

    Raises:
        InvalidInput: it is none; names the parameter, and what is allowed.
    """
    allowed = [f"YYYY-MM-DD, {EARLIEST} to {today}"]
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput.field(name, "is not a day", text, allowed) from None
    if not EARLIEST <= day <= today:
        message = "is in the future" if day > today else "is too long ago"
        raise InvalidInput.field(name, message, text, allowed)
    return day
