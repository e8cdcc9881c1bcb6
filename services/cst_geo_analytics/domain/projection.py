"""What an event changes: a request's row, and through it the sums that the row belongs to.

A row says everything its sums need. So an event's effect on the sums is what the new row
contributes less what the old one did, whatever the event was. All sums are of whole numbers: what
is added and taken out a million times leaves nothing behind, and equals a sum made in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from cst_contracts.enums import OPEN_STATUSES
from cst_contracts.events import Facts
from cst_geo import parent
from cst_geo.cells import center
from cst_geo_analytics.domain.buckets import bucket_of

Row = dict[str, Any]
Fields = dict[str, Any]
#: By field; what is below another has a dot in between.
Sums = dict[str, int]
#: The ``_id`` of a group's document (what it counts, with ``|`` in between), and what is added.
Part = tuple[str, Sums]
#: By collection, then by ``_id``.
Moves = dict[str, dict[str, "Change"]]

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
    "day",
    "hour",
    "resolved_month",
    "source",
    "open",
)
#: What a row of an earlier version lacks.
NEWEST_FIELD = ROW_FIELDS[-1]
WEIGHTS = {"P1": 8, "P2": 4, "P3": 2, "P4": 1}
#: The finest cells of sums by day and of outcomes; finer ones would be one request each.
DAY_RESOLUTION = 8
#: The cell of what is not located.
NOWHERE = "-"
UNKNOWN_SOURCE = "unknown"

#: Cells come again and again; a city has some ten thousand.
_KNOWN_CELLS = 100_000
cell_center = lru_cache(_KNOWN_CELLS)(center)
_coarse = lru_cache(_KNOWN_CELLS)(lambda cell: parent(cell, DAY_RESOLUTION))


def row_of(facts: Facts, seq: int, zone: ZoneInfo) -> Row:
    """Return the ``geo_points`` row of a request after the event ``seq``.

    Args:
        facts: the request as it stands.
        seq: number of the event.
        zone: the city's time zone; ``day``, ``hour`` and ``resolved_month`` are local.
    """
    created = local(facts.created_at, zone)
    resolved_at = facts.resolved_at
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
        "resolved_at": resolved_at,
        "due_at": facts.due_at,
        "day": _day(created),
        "hour": created.hour,
        "resolved_month": None if resolved_at is None else _day(local(resolved_at, zone))[:7],
        "source": facts.source or UNKNOWN_SOURCE,
        # Whether it counts among what is open: indexes go by this, since it changes but twice.
        "open": facts.is_master and facts.status in OPEN_STATUSES,
    }


def _day(at: datetime) -> str:
    return at.date().isoformat()


def local(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant as the city's clocks show it; at the ends of the calendar, in UTC."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


def source_field(source: str) -> str:
    """Return a source as the name of a field: MongoDB would read dots and dollars in it."""
    return source.replace(".", "·").replace("$", "§").replace("\0", "")


def parts(row: Row) -> tuple[Part | None, ...]:
    """Return what a row adds to the sums of each of ``GROUPS``, None where it is not counted.

    Only masters are counted: a duplicate is its master's.
    """
    if not row["is_master"]:
        return _NOTHING
    leaf, category, public = row["cell"], row["category"], row["public"]
    whose = f"{row['zone_id']}|{public}"
    stand = f"{category}|{row['priority']}|{whose}"
    weight = WEIGHTS.get(row["priority"], 1)
    weighted = weight * int(row["created_at"].timestamp())
    n, w, wt = _names_by_status(row["status"])
    # In all, and of the status, which is no part of the key: it is what changes most often.
    sums = {"n": 1, "w": weight, "wt": weighted, n: 1, w: weight, wt: weighted}
    days = {f"hours.{row['hour']:02}": 1, f"sources.{source_field(row['source'])}": 1}
    cell, coarse = (NOWHERE, NOWHERE) if leaf is None else (leaf, _coarse(leaf))
    is_area = leaf is not None and public == "area"
    return (
        (f"{coarse}|{row['day']}|{stand}", sums | days),
        None if leaf is None else (f"{leaf}|{stand}", sums),
        _promise(row, cell, stand, weight),
        _outcome(row, f"{category}|{whose}", coarse),
        (f"{row['day'][:7]}|{category}|{leaf}", {"n": 1}) if is_area else None,
    )


@lru_cache(100)
def _names_by_status(status: str) -> tuple[str, str, str]:
    return f"by.{status}.n", f"by.{status}.w", f"by.{status}.wt"


def _promise(row: Row, cell: str, stand: str, weight: int) -> Part | None:
    if row["due_at"] is None or not row["open"]:
        return None
    hour = row["due_at"].isoformat()[:13]
    return f"{cell}|{hour}|{stand}", {"n": 1, "w": weight}


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _outcome(row: Row, whose: str, coarse: str) -> Part | None:
    resolved_at, due_at = row["resolved_at"], row["due_at"]
    if resolved_at is None:
        return None
    sums = {"n": 1}
    if due_at is not None:
        sums["met" if resolved_at <= due_at else "missed"] = 1
    return f"{coarse}|{row['resolved_month']}|{whose}|{_bucket(row)}", sums


def _bucket(row: Row) -> int:
    return bucket_of((row["resolved_at"] - row["created_at"]) / timedelta(minutes=1))


def _fields(*names: str, coarse: bool, **others: Callable[[Row], Any]) -> Callable[[Row], Fields]:
    """What documents of a group say beside their sums: the parts of ``_id``, and their place."""

    def of(row: Row) -> Fields:
        cell = row["cell"]
        if cell is not None and coarse:
            cell = _coarse(cell)
        fields = {"cell": cell or NOWHERE} | {name: row[name] for name in names}
        fields |= {name: read(row) for name, read in others.items()}
        if cell is not None:
            fields["lon"], fields["lat"] = cell_center(cell)
        return fields

    return of


_STAND = ("category", "priority", "zone_id", "public")
#: Every collection of sums, in the order of ``parts``, and the fields of its documents.
GROUPS: dict[str, Callable[[Row], Fields]] = {
    "geo_days": _fields("day", *_STAND, coarse=True),
    "geo_cells": _fields(*_STAND, coarse=False),
    "geo_promises": _fields(
        *_STAND,
        coarse=False,
        hour=lambda row: _hour(row["due_at"]),
    ),
    "geo_outcomes": _fields(
        *("category", "zone_id", "public"),
        coarse=True,
        month=lambda row: row["resolved_month"],
        bucket=_bucket,
    ),
    "geo_areas": _fields("category", coarse=False, month=lambda row: row["day"][:7]),
}
_NOTHING: tuple[Part | None, ...] = (None,) * len(GROUPS)


@dataclass(slots=True)
class Change:
    """What is added to a group's sums; ``row`` is one that is, or was, counted in it."""

    row: Row
    sums: Sums


def moves(replaced: Iterable[tuple[Row | None, Row]]) -> Moves:
    """Return what changes of all sums where rows (old, or None, and new) take turns."""
    totals: Moves = {name: {} for name in GROUPS}
    for old, new in replaced:
        before = _NOTHING if old is None else parts(old)
        for found, gone, come in zip(totals.values(), before, parts(new), strict=True):
            if gone == come:
                continue
            if old is not None and gone is not None:
                _add(found, gone, -1, old)
            if come is not None:
                _add(found, come, +1, new)
    return {name: _without_nothing(found) for name, found in totals.items()}


def _add(found: dict[str, Change], part: Part, sign: int, row: Row) -> None:
    key, sums = part
    change = found.get(key)
    if change is None:
        found[key] = Change(row, {name: sign * value for name, value in sums.items()})
        return
    for name, value in sums.items():
        change.sums[name] = change.sums.get(name, 0) + sign * value


def _without_nothing(found: Mapping[str, Change]) -> dict[str, Change]:
    """Leave out the sums, and the groups, that nothing changes of after all."""
    left = {}
    for key, change in found.items():
        if 0 in change.sums.values():
            change.sums = {name: value for name, value in change.sums.items() if value}
        if change.sums:
            left[key] = change
    return left
