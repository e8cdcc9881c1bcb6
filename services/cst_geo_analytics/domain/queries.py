"""Query parameters of the heatmap: what they mean, and which of them go together."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from cst_city.catalog import Catalog
from cst_city.filters import RequestFilters
from cst_contracts.enums import OPEN_STATUSES
from cst_core.errors import InvalidInput
from cst_geo import Box
from cst_geo.params import parse_box
from cst_geo_analytics.domain.projection import DAY_RESOLUTION
from cst_geo_analytics.domain.weights import WeightName

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", examples=["2026-03-02"])]
#: Coarsest and finest cells that are shown, and those of an answer that was asked for none.
COARSEST, FINEST, USUAL = 5, 10, 8
#: The zoom from which a web map is served the next finer resolution, so that an edge of a hexagon
#: is some 15 to 40 pixels long: resolution 6 from 9, 7 from 11, and so on.
ZOOMS = (9.0, 11.0, 12.0, 14.0, 15.0)
MAX_ZOOM, MAX_RISK_HOURS = 22, 720


class HeatmapQuery(RequestFilters):
    """Query parameters of the heatmap; days are local days of creation, both inclusive."""

    resolution: int | None = Field(
        default=None,
        ge=COARSEST,
        le=FINEST,
        description=f"H3 resolution; {USUAL} without it and `zoom`",
    )
    zoom: float | None = Field(
        default=None,
        ge=0,
        le=MAX_ZOOM,
        allow_inf_nan=False,
        description="Zoom of a web map, in place of `resolution`",
    )
    bbox: str | None = Field(
        default=None,
        max_length=200,
        description="west,south,east,north in degrees: cells whose centre lies in it. West above "
        "east is across the antimeridian, with west from 90 and east up to -90",
    )
    from_day: Day | None = Field(
        default=None, alias="from", description="First local day of creation"
    )
    to_day: Day | None = Field(default=None, alias="to", description="Last local day of creation")
    weight: WeightName = Field(default="count", description="Formula of the weight")
    risk_hours: int = Field(
        default=24,
        ge=1,
        le=MAX_RISK_HOURS,
        description="With weight=sla_risk: how far ahead a promise may fall due",
    )

    @property
    def level(self) -> int:
        """The resolution of the answer; by zoom no finer than there are days."""
        if self.resolution is not None:
            return self.resolution
        if self.zoom is None:
            return USUAL
        by_zoom = COARSEST + bisect_right(ZOOMS, self.zoom)
        return min(by_zoom, DAY_RESOLUTION) if self.has_days else by_zoom

    @property
    def has_days(self) -> bool:
        """Whether only some days are asked for."""
        return self.from_day is not None or self.to_day is not None

    @property
    def box(self) -> Box | None:
        """What ``bbox`` says; ``InvalidInput`` where that is no box."""
        return None if self.bbox is None else parse_box(self.bbox)

    def check(self, catalog: Catalog) -> None:
        """Raise ``InvalidInput`` as `RequestFilters`, and for what does not go together."""
        super().check(catalog)
        if self.bbox is not None:
            parse_box(self.bbox)
        if self.zoom is not None and self.resolution is not None:
            raise _refused("zoom", "does not go with resolution", self.zoom, ["one of the two"])
        self._check_days()
        self._check_weight()

    def _check_days(self) -> None:
        for name, day in (("from", self.from_day), ("to", self.to_day)):
            if day is not None and not _is_day(day):
                raise _refused(name, "is not a day", day, ["YYYY-MM-DD"])
        if self.from_day and self.to_day and self.from_day > self.to_day:
            raise _refused("from", "is after to", self.from_day, [f"at most {self.to_day}"])
        if self.has_days and self.level > DAY_RESOLUTION:
            coarse = [str(level) for level in range(COARSEST, DAY_RESOLUTION + 1)]
            raise _refused("resolution", "is too fine for from and to", self.resolution, coarse)

    def _check_weight(self) -> None:
        if self.weight == "sla_risk":
            given = {"status": self.status, "from": self.from_day, "to": self.to_day}
            for name in (name for name, value in given.items() if value):
                raise _refused(
                    name,
                    "does not go with weight=sla_risk, which is about open requests of any age",
                    given[name],
                    ["another weight", f"no {name}"],
                )
        elif "risk_hours" in self.model_fields_set:
            allowed = ["weight=sla_risk"]
            raise _refused("risk_hours", "goes with weight=sla_risk", self.risk_hours, allowed)

    def wanted(self) -> dict[str, Any]:
        """Return the MongoDB filter of what is told by category, status, priority and zone."""
        wanted = super().wanted()
        if self.weight == "priority_age":
            # What has ended ages no more.
            wanted.setdefault("status", {"$in": sorted(OPEN_STATUSES)})
        return wanted

    def filters(self) -> dict[str, Any]:
        """Return what was asked for, so that equal questions are equal, whatever their spelling."""
        names = ("category", "status", "priority", "zone_id")
        found: dict[str, Any] = {
            name: sorted(set(getattr(self, name))) for name in names if getattr(self, name)
        }
        found |= {"resolution": self.level, "weight": self.weight}
        if (box := self.box) is not None:
            found["bbox"] = [box.west, box.south, box.east, box.north]
        days = {"from": self.from_day, "to": self.to_day}
        found |= {name: day for name, day in days.items() if day is not None}
        return found | ({"risk_hours": self.risk_hours} if self.weight == "sla_risk" else {})


def _refused(field: str, message: str, value: Any, allowed: list[str]) -> InvalidInput:
    return InvalidInput.field(field, message, value, allowed)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
