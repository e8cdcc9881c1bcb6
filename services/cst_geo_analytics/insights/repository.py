"""The queries of zones, clusters, surges, trends, risk and equity over the projections.

``wanted`` is always a MongoDB filter of what the caller may see and has asked for. Sums that have
become zero may still lie there: every query leaves them out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from cst_geo_analytics.projections.stores import CELLS, DAYS, OPEN, OUTCOMES, POINTS, PROMISES
from cst_ledger.events import Document
from cst_mongo.client import Collection as MongoCollection
from cst_mongo.client import Database

Wanted = Mapping[str, Any]
_SOME = {"n": {"$gt": 0}}
By = Literal["zone_id", "cell"]


class AnalyticsRepository:
    """Reads the projections."""

    def __init__(self, db: Database) -> None:
        self._points = db[POINTS.name]
        self._cells = db[CELLS.name]
        self._days = db[DAYS.name]
        self._promises = db[PROMISES.name]
        self._outcomes = db[OUTCOMES.name]

    # --- What is open ---

    async def open_by_day(self, wanted: Wanted) -> list[Document]:
        """Return how many are open by zone and local day of creation: {zone_id, day, n}.

        Looks at what is open and at nothing else, however much has been closed.
        """
        # Every row has a day; the bound makes the index, which begins with it, fit the query.
        match = {**wanted, **OPEN, "day": {"$gt": ""}}
        return await _grouped(self._points, match, ("zone_id", "day"), {"n": {"$sum": 1}})

    async def created_at(self, day: str, skip: int, wanted: Wanted) -> datetime | None:
        """Return when the open request was created that ``skip`` others of its day precede."""
        cursor = self._points.find({**wanted, **OPEN, "day": day}, {"_id": 0, "created_at": 1})
        found = await cursor.sort("created_at", 1).skip(skip).limit(1).to_list()
        return found[0]["created_at"] if found else None

    async def due_between(self, start: datetime, end: datetime, wanted: Wanted) -> list[Document]:
        """Return open requests due from ``start`` on and before ``end``, each on its own.

        Each is {cell (or None), zone_id, category, due_at}.
        """
        fields = {"_id": 0, "cell": 1, "zone_id": 1, "category": 1, "due_at": 1}
        due = {"due_at": {"$gte": start, "$lt": end}}
        return await self._points.find({**wanted, **OPEN, **due}, fields).to_list()

    async def promises(self, now_hour: datetime, end: datetime, wanted: Wanted) -> list[Document]:
        """Return sums of open promises by the hour they fall due, before ``end``.

        Each is {cell, zone_id, category, past, n, next}: ``past`` tells those due before
        ``now_hour``, ``next`` is the first hour. Those of ``now_hour`` itself are left out.
        """
        hours = {"$lt": end, "$ne": now_hour}
        past = {"$lt": ["$hour", now_hour]}
        keys = {"cell": "$cell", "zone_id": "$zone_id", "category": "$category", "past": past}
        sums = {"n": {"$sum": "$n"}, "next": {"$min": "$hour"}}
        return await _grouped(self._promises, {**wanted, **_SOME, "hour": hours}, keys, sums)

    async def overdue_by_zone(self, now_hour: datetime, wanted: Wanted) -> dict[str, int]:
        """Return how many open promises fell due before ``now_hour``, by zone."""
        due = {"hour": {"$lt": now_hour}}
        rows = await _grouped(self._promises, {**wanted, **_SOME, **due}, ("zone_id",), _N)
        return {row["zone_id"]: row["n"] for row in rows}

    # --- What was resolved ---

    async def outcomes(self, first: str, last: str, by: By, wanted: Wanted) -> list[Document]:
        """Return what was resolved in months, both inclusive: {zone_id or cell, bucket, n, …}.

        With met and missed; ``bucket`` is that of `domain.buckets`.
        """
        months = {"month": {"$gte": first, "$lte": last}}
        sums = {name: {"$sum": f"${name}"} for name in ("n", "met", "missed")}
        return await _grouped(self._outcomes, {**wanted, **_SOME, **months}, (by, "bucket"), sums)

    async def resolved_between(
        self, start: datetime, end: datetime, wanted: Wanted
    ) -> list[Document]:
        """Return what was resolved from ``start`` on and before ``end``, by zone and duration.

        Each is {zone_id, minutes, n, met, missed}; minutes are whole ones.
        """
        took = {"$subtract": ["$resolved_at", "$created_at"]}
        minutes = {"$floor": {"$divide": [took, 60_000]}}
        promised, met = {"$ne": ["$due_at", None]}, {"$lte": ["$resolved_at", "$due_at"]}
        sums = {
            "n": {"$sum": 1},
            "met": {"$sum": {"$cond": [{"$and": [promised, met]}, 1, 0]}},
            "missed": {"$sum": {"$cond": [{"$and": [promised, {"$not": [met]}]}, 1, 0]}},
        }
        when = {"resolved_at": {"$gte": start, "$lt": end}, "is_master": True}
        keys = {"zone_id": "$zone_id", "minutes": minutes}
        return await _grouped(self._points, {**wanted, **when}, keys, sums)

    # --- What was created ---

    async def created_by_zone(self, first: str, last: str, wanted: Wanted) -> dict[str, int]:
        """Return how many were created on local days, both inclusive, by zone."""
        days = {"day": {"$gte": first, "$lte": last}}
        rows = await _grouped(self._days, {**wanted, **_SOME, **days}, ("zone_id",), _N)
        return {row["zone_id"]: row["n"] for row in rows}

    async def first_day(self, first: str, last: str, wanted: Wanted) -> str | None:
        """Return the first local day, both inclusive, that has any report."""
        days = {"day": {"$gte": first, "$lte": last}}
        cursor = self._days.find({**wanted, **_SOME, **days}, {"_id": 0, "day": 1})
        found = await cursor.sort("day", 1).limit(1).to_list()
        return found[0]["day"] if found else None

    async def of_day(self, day: str, wanted: Wanted) -> list[Document]:
        """Return a day's sums: {cell, zone_id, category, n, sources, hours}."""
        names = ("cell", "zone_id", "category", "n", "sources", "hours")
        fields = {"_id": 0, **dict.fromkeys(names, 1)}
        return await self._days.find({**wanted, **_SOME, "day": day}, fields).to_list()

    async def reports(
        self, first: str, last: str, keys: Sequence[str], staff: Collection[str], wanted: Wanted
    ) -> list[Document]:
        """Return reports of local days, both inclusive, by fields: {each key, n, by_staff}.

        Args:
            first: the first day.
            last: the last day.
            keys: of cell, zone_id, category and day.
            staff: the sources whose reports ``by_staff`` counts, as fields are named.
            wanted: the filter.
        """
        days = {"day": {"$gte": first, "$lte": last}}
        sums = _N | {"by_staff": _by(staff)}
        return await _grouped(self._days, {**wanted, **_SOME, **days}, keys, sums)

    # --- Where it is ---

    async def leaves(self, statuses: Iterable[str], wanted: Wanted) -> list[Document]:
        """Return sums per leaf cell and category of what has these statuses.

        Each is {cell, category, n, w}, with ``n`` above zero.
        """
        chosen = sorted(set(statuses))
        sums = {
            name: {"$sum": {"$add": [{"$ifNull": [f"$by.{s}.{name}", 0]} for s in chosen]}}
            for name in ("n", "w")
        }
        rows = await _grouped(self._cells, {**wanted, **_SOME}, ("cell", "category"), sums)
        return [row for row in rows if row["n"] > 0]


_N: dict[str, Any] = {"n": {"$sum": "$n"}}


def _by(sources: Collection[str]) -> dict[str, Any]:
    """The sum of what some sources brought; they are names of fields in ``sources``."""
    entries = {"$objectToArray": {"$ifNull": ["$sources", {}]}}
    chosen = {"$filter": {"input": entries, "cond": {"$in": ["$$this.k", sorted(sources)]}}}
    return {"$sum": {"$sum": {"$map": {"input": chosen, "in": "$$this.v"}}}}


async def _grouped(
    collection: MongoCollection,
    match: Wanted,
    keys: Sequence[str] | Mapping[str, Any],
    sums: Mapping[str, Any],
) -> list[Document]:
    """Sum by fields, or by expressions with names, and return flat rows in any order."""
    by = keys if isinstance(keys, Mapping) else {name: f"${name}" for name in keys}
    pipeline = [{"$match": dict(match)}, {"$group": {"_id": dict(by), **sums}}]
    cursor = await collection.aggregate(pipeline)
    rows = await cursor.to_list()
    return [{**row.pop("_id"), **row} for row in rows]
