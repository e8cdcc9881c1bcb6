"""What an event changes: a request's row, and through it the sums that the row belongs to.

A row says everything its sums need. So an event's effect on the sums is what the new row
contributes less what the old one did, whatever the event was. All sums are of whole numbers: what
is added and taken out a million times leaves nothing behind, and equals a sum made in one go.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

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
        "policy_changed",
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


def cell_moves(replaced: Iterable[tuple[Row | None, Row]]) -> dict[Key, dict[str, int]]:
    """Return what changes of the cells' sums where rows (old, or None, and new) take turns."""
    sums: defaultdict[Key, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for old, new in replaced:
        for row, sign in ((old, -1), (new, +1)):
            if row is not None and (key := cell_key(row)) is not None:
                for name, value in cell_sums(row).items():
                    sums[key][name] += sign * value
    kept = {key: {n: v for n, v in values.items() if v} for key, values in sums.items()}
    return {key: values for key, values in kept.items() if values}
