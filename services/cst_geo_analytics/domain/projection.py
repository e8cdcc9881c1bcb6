"""What an event changes: a request's row, and through it the sums that the row belongs to.

A row says everything its sums need. So an event's effect on the sums is what the new row
contributes less what the old one did, whatever the event was. All sums are of whole numbers: what
is added and taken out a million times leaves nothing behind, and equals a sum made in one go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from cst_contracts.events import Facts

Row = dict[str, Any]
Key = tuple[str, ...]

#: The events that move rows: all that may change the facts a row is made of.
MOVING = frozenset(
    {
        "created",
        "imported",
        "triaged",
        "assigned",
        "in_progress",
        "resolved",
        "closed",
        "resumed",
        "category_changed",
        "priority_changed",
        "location_changed",
        "duplicate_linked",
        "duplicate_unlinked",
        "visibility_changed",
    }
)
ROW_FIELDS = (
    "seq",
    "cell",
    "zone_id",
    "category",
    "status",
    "priority",
    "public",
    "is_master",
    "created_at",
    "resolved_at",
    "due_at",
)
WEIGHTS = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}


def row_of(facts: Facts, seq: int) -> Row:
    """Return the ``geo_points`` row of a request after the event ``seq``."""
    return {
        "seq": seq,
        "cell": facts.h3 if facts.located else None,
        "zone_id": facts.zone_id,
        "category": facts.category,
        "status": str(facts.status),
        "priority": str(facts.priority),
        "public": str(facts.public),
        "is_master": facts.is_master,
        "created_at": facts.created_at,
        "resolved_at": facts.resolved_at,
        "due_at": facts.due_at,
    }


def cell_key(row: Row) -> Key | None:
    """Return the key of the row's cell sums: cell, category, status, priority, zone, publicity."""
    if row["cell"] is None or not row["is_master"]:
        return None
    return tuple(
        row[name] for name in ("cell", "category", "status", "priority", "zone_id", "public")
    )


def cell_sums(row: Row) -> dict[str, int]:
    """Return what a row adds to its cell; ``wt`` in seconds since 1970, so age is ``w*now-wt``."""
    weight = WEIGHTS.get(row["priority"], 1)
    return {"n": 1, "w": weight, "wt": weight * int(row["created_at"].timestamp())}


def kpi_key(row: Row, zone: ZoneInfo) -> Key:
    """Return the key of the row's KPI sums, which begins with the local day of creation."""
    day = row["created_at"].astimezone(zone).date().isoformat()
    return (day, row["category"], row["zone_id"], row["priority"], row["status"])


def kpi_sums(row: Row) -> dict[str, int]:
    """Return what a row adds to the KPIs of its group; a duplicate adds to no other sum."""
    if not row["is_master"]:
        return {"duplicates": 1}
    sums: dict[str, int] = {"n": 1}
    resolved_at: datetime | None = row["resolved_at"]
    if resolved_at is not None:
        span = (resolved_at - row["created_at"]).total_seconds()
        sums |= {"resolved": 1, "seconds": max(0, int(span))}
        if row["due_at"] is not None:
            sums["met" if resolved_at <= row["due_at"] else "missed"] = 1
    return sums


Sums = defaultdict[Key, defaultdict[str, int]]


def _sums() -> Sums:
    return defaultdict(lambda: defaultdict(int))


@dataclass
class Deltas:
    """Changes of sums, gathered over a batch of events."""

    zone: ZoneInfo
    cells: Sums = field(default_factory=_sums)
    kpis: Sums = field(default_factory=_sums)

    def replace(self, old: Row | None, new: Row | None) -> None:
        """Take out what ``old`` contributed and put in what ``new`` does; None is nothing."""
        if old is not None:
            self._add(old, -1)
        if new is not None:
            self._add(new, +1)

    def _add(self, row: Row, sign: int) -> None:
        if (key := cell_key(row)) is not None:
            _accumulate(self.cells[key], cell_sums(row), sign)
        _accumulate(self.kpis[kpi_key(row, self.zone)], kpi_sums(row), sign)


def _accumulate(into: defaultdict[str, int], sums: Mapping[str, int], sign: int) -> None:
    for name, value in sums.items():
        into[name] += sign * value


def changed(sums: Sums) -> dict[Key, dict[str, int]]:
    """Return the sums that change at all."""
    kept = {key: {n: v for n, v in values.items() if v} for key, values in sums.items()}
    return {key: values for key, values in kept.items() if values}
