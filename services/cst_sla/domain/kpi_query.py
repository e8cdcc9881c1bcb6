"""Query parameters of the KPIs, checked against the city; what they mean for rows of facts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from bson import ObjectId
from pydantic import Field

from cst_city.catalog import Catalog
from cst_city.filters import RequestFilters
from cst_core.errors import InvalidInput

GroupBy = Literal["category", "zone", "priority", "status", "department", "agent", "day", "week"]
Format = Literal["json", "csv"]
#: Stands for the agent of what nobody is assigned to.
UNASSIGNED = "unassigned"
AgentKey = Annotated[str, Field(pattern=rf"^([0-9a-f]{{24}}|{UNASSIGNED})$")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-03-02"])]
_FIELDS = {"zone": "zone_id"}


class KpiQuery(RequestFilters):
    """Query parameters of the KPIs; days are local days of creation, both inclusive."""

    department: list[str] = Field(default=[], description="The city's, or one that was imported")
    agent_id: list[AgentKey] = Field(default=[], description=f"Ids of agents, or {UNASSIGNED}")
    group_by: GroupBy | None = Field(
        default=None, description="Days and weeks (ISO 8601) are those of creation, local ones"
    )
    day_from: Day | None = None
    day_to: Day | None = None
    as_of: str | None = Field(
        default=None,
        max_length=64,
        description="RFC 3339 instant of the past: by when it happened, as known today",
        examples=["2026-03-02T15:00:00Z"],
    )
    format: Format | None = Field(default=None, description="Goes before the Accept header")

    @property
    def is_plain(self) -> bool:
        """Whether current totals are asked for, and nothing else."""
        return not self.model_dump(exclude={"format"}, exclude_defaults=True)

    @property
    def group_field(self) -> str | None:
        """The field of facts that rows are grouped by."""
        return None if self.group_by is None else _FIELDS.get(self.group_by, self.group_by)

    def check(self, catalog: Catalog) -> None:
        """Raise ``InvalidInput`` as `RequestFilters`, and for days that are none."""
        super().check(catalog)
        for name, day in (("day_from", self.day_from), ("day_to", self.day_to)):
            if day is not None and not _is_day(day):
                raise InvalidInput.field(name, "is not a day", day, ["YYYY-MM-DD"])
        if self.day_from and self.day_to and self.day_from > self.day_to:
            raise InvalidInput.field(
                "day_from", "is after day_to", self.day_from, [f"at most {self.day_to}"]
            )

    @property
    def agents(self) -> list[ObjectId]:
        """The agents asked for by their ids."""
        return [ObjectId(key) for key in self.agent_id if key != UNASSIGNED]

    def wanted(self) -> dict[str, Any]:
        """Return the MongoDB filter."""
        wanted = super().wanted()
        if self.department:
            wanted["department"] = {"$in": self.department}
        if self.agent_id:
            nobody = [None] if UNASSIGNED in self.agent_id else []
            wanted["agent"] = {"$in": [*self.agents, *nobody]}
        days = {"$gte": self.day_from, "$lte": self.day_to}
        bounds = {name: day for name, day in days.items() if day is not None}
        return wanted | ({"day": bounds} if bounds else {})

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row passes the filters, as ``wanted`` has them."""
        return all(_passes(row[name], condition) for name, condition in self.wanted().items())


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _passes(value: Any, condition: Mapping[str, Any]) -> bool:
    """Apply a condition that ``wanted`` has made."""
    if "$in" in condition:
        return value in condition["$in"]
    low, high = condition.get("$gte", value), condition.get("$lte", value)
    return bool(low <= value <= high)
