"""A world of reports, and what the public is answered about it, without a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cst_contracts.enums import OPEN_STATUSES
from cst_contracts.events import Facts
from cst_geo_analytics.domain.heatmap import Heatmap
from cst_geo_analytics.domain.making import Making
from cst_geo_analytics.domain.projection import GROUPS, moves, row_of
from cst_geo_analytics.domain.queries import HeatmapQuery

ZONE = ZoneInfo("America/New_York")
#: Half past eleven in the evening of 31 March in New York; in UTC it is April already.
NOW = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
_NAMES = {"cells": "geo_cells", "days": "geo_days", "promises": "geo_promises"}


@dataclass(frozen=True)
class Report:
    """What the map knows of a report; ``day`` is the local day of creation."""

    cell: str
    day: str
    category: str = "pothole"
    public: str = "area"
    status: str = "new"
    priority: str = "P3"
    zone_id: str = "MN01"

    @property
    def facts(self) -> Facts:
        created = datetime.fromisoformat(f"{self.day}T22:00:00").replace(tzinfo=ZONE)
        is_open = self.status in OPEN_STATUSES
        return Facts(
            category=self.category,
            zone_id=self.zone_id,
            h3=self.cell,
            located=True,
            priority=self.priority,
            status=self.status,
            is_master=True,
            created_at=created.astimezone(UTC),
            due_at=(created + timedelta(days=20)).astimezone(UTC),
            resolved_at=None if is_open else (created + timedelta(hours=5)).astimezone(UTC),
            historic=False,
            public=self.public,
        )


class World:
    """The projections of some reports."""

    def __init__(self, reports: Iterable[Report]) -> None:
        rows = [row_of(report.facts, 0, ZONE) for report in reports]
        changes = moves((None, row) for row in rows)
        self._sums: dict[str, list[dict[str, Any]]] = {
            name: [GROUPS[name](change.row) | change.sums for change in changes[name].values()]
            for name in GROUPS
        }

    def answer(self, asked: HeatmapQuery, *, staff: bool = False) -> Heatmap:
        """Return what a caller is answered."""
        making = Making(asked, staff=staff, now=NOW.astimezone(ZONE))
        statuses = making.statuses
        cells: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"n": 0, "w": 0, "wt": 0})
        for row in self._found(_NAMES[making.source], making.wanted):
            for name in ("n", "w", "wt"):
                fields = [name] if statuses is None else [f"by.{s}.{name}" for s in set(statuses)]
                cells[row["cell"]][name] += sum(row.get(field, 0) for field in fields)
        for cell, sums in cells.items():
            if sums["n"] > 0:
                making.add({"_id": cell, **sums})
        if making.areas_wanted is not None:
            making.add_areas(self._found("geo_areas", making.areas_wanted))
        return making.heatmap()

    def _found(self, name: str, wanted: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
        return [row for row in self._sums[name] if fits(row, wanted)]


def fits(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Apply a MongoDB filter, as far as the heatmap's go."""
    for name, condition in wanted.items():
        if name == "$or":
            if not any(fits(row, each) for each in condition):
                return False
        elif not _passes(row.get(name), condition):
            return False
    return True


def _passes(value: Any, condition: Any) -> bool:
    if not isinstance(condition, Mapping):
        return bool(value == condition)
    checks = {
        "$in": lambda given: value in given,
        "$ne": lambda given: value != given,
        "$lt": lambda given: value is not None and value < given,
        "$lte": lambda given: value is not None and value <= given,
        "$gte": lambda given: value is not None and value >= given,
    }
    return all(checks[name](given) for name, given in condition.items())


def asked(**given: Any) -> HeatmapQuery:
    """Return a query."""
    return HeatmapQuery.model_validate(given)
