"""Query parameters of the analytics routes, checked against the city."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from cst_city.catalog import Catalog
from cst_contracts.enums import UNKNOWN_ZONE, PriorityName, StatusName
from cst_core.errors import InvalidInput


class Filters(BaseModel):
    """What both routes filter by; several values of one filter mean any of them."""

    model_config = ConfigDict(extra="forbid")

    category: list[str] = []
    status: list[StatusName] = []
    priority: list[PriorityName] = []
    zone_id: list[str] = []

    def check(self, catalog: Catalog) -> None:
        """Raise ``InvalidInput`` for a category or zone that the city does not have."""
        for code in self.category:
            catalog.category(code)
        for zone_id in self.zone_id:
            if zone_id != UNKNOWN_ZONE and zone_id not in catalog.zone_names:
                known = sorted(catalog.zone_names)
                raise InvalidInput.field("zone_id", "is not a zone of this city", zone_id, known)

    def wanted(self) -> dict[str, Any]:
        """Return the MongoDB filter."""
        names = ("category", "status", "priority", "zone_id")
        return {name: {"$in": getattr(self, name)} for name in names if getattr(self, name)}


class HeatmapQuery(Filters):
    """Query parameters of the heatmap."""

    resolution: int = Field(default=8, ge=5, le=10, description="H3 resolution")
    bbox: str | None = Field(default=None, description="west,south,east,north in degrees")
    weight: Literal["count", "priority"] = "count"


class KpiQuery(Filters):
    """Query parameters of the KPIs; days are local days of creation, both inclusive."""

    group_by: Literal["category", "zone", "priority", "status", "day"] | None = None
    day_from: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    day_to: str | None = Field(default=None, pattern=r"^\d{4}-\d{2}-\d{2}$")
    as_of: str | None = Field(
        default=None,
        max_length=64,
        description="RFC 3339 instant of the past: by when it happened, as known today",
        examples=["2026-03-02T15:00:00Z"],
    )

    def wanted(self) -> dict[str, Any]:
        """Return the MongoDB filter; ``InvalidInput`` when the days are the wrong way round."""
        if self.day_from and self.day_to and self.day_from > self.day_to:
            raise InvalidInput.field("day_from", "is after day_to", self.day_from)
        days = {"$gte": self.day_from, "$lte": self.day_to}
        bounds = {key: value for key, value in days.items() if value is not None}
        return super().wanted() | ({"day": bounds} if bounds else {})

    def keeps(self, fields: Mapping[str, str]) -> bool:
        """Tell whether sums with these ``fields`` pass the filters, as ``wanted`` has them."""
        return all(_passes(fields[name], condition) for name, condition in self.wanted().items())


def _passes(value: str, condition: Mapping[str, Any]) -> bool:
    """Apply a condition that ``wanted`` has made."""
    if "$in" in condition:
        return value in condition["$in"]
    low, high = condition.get("$gte", value), condition.get("$lte", value)
    return bool(low <= value <= high)
