"""The projections' collections and how they are written: a row per request, and sums.

``_id`` of a document of sums is what it counts, with ``|`` between. One that has become zero stays
until it is swept, so readers take ``n`` above zero; zeros below it may stay for good.

``geo_cells`` and ``geo_days`` have their sums twice: in all, and by status below ``by``. A status
is what changes most often, and so its change is one update of one document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import structlog
from pymongo import ASCENDING, IndexModel, InsertOne, UpdateOne

from cst_bus.marks import PARKED_INDEX
from cst_geo_analytics.domain.projection import GROUPS, NEWEST_FIELD, Change, Moves, Row, Sums
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

log = structlog.get_logger(__name__)

Write = InsertOne[dict[str, Any]] | UpdateOne
#: More than any look asks for, so that its answer comes in one piece.
_ALL = 100_000
_NONE = object()

#: Open requests that count, as the partial indexes have them: few of all there are.
OPEN: dict[str, Any] = {"open": True}


def _index(*names: str, **options: Any) -> IndexModel:
    return IndexModel([(name, ASCENDING) for name in names], **options)


# Indexes cost consumers more than all else: each collection has one, whose first field bounds what
# is read and whose others leave out the rest before a document is fetched. None has a field that
# changes step by step, such as `status`.
_OPEN_BY_DAY = _index("day", "created_at", name="open_by_day", partialFilterExpression=OPEN)
_OPEN_BY_DUE = _index("due_at", name="open_by_due_at", partialFilterExpression=OPEN)
_BY_RESOLVED = _index(
    "resolved_at",
    name="by_resolved_at",
    partialFilterExpression={"resolved_at": {"$gt": datetime.min.replace(tzinfo=UTC)}},
)

POINTS = CollectionSpec("geo_points", (PARKED_INDEX, _OPEN_BY_DAY, _OPEN_BY_DUE, _BY_RESOLVED))
CELLS = CollectionSpec("geo_cells", (_index("lon", "lat", "category"),))
DAYS = CollectionSpec("geo_days", (_index("day", "category", "lon", "lat"),))
PROMISES = CollectionSpec("geo_promises", (_index("hour", "lon", "lat"),))
OUTCOMES = CollectionSpec("geo_outcomes", (_index("month"),))
AREAS = CollectionSpec("geo_areas", (_index("month", "lon", "lat"),))
SUMS = (CELLS, DAYS, PROMISES, OUTCOMES, AREAS)
#: What is made of the ledger, and from there again.
BUILT = (POINTS, *SUMS)


def staged_specs(suffix: str) -> list[CollectionSpec]:
    """Return the built collections under their names with ``suffix``, with the same indexes."""
    return [replace(spec, name=f"{spec.name}{suffix}") for spec in BUILT]


class ProjectionStore:
    """Writes the projections, or those that a rebuild has staged under ``suffix``.

    Within a transaction, or where nobody else writes: what is new is told from what is there by a
    look before, since inserts and updates cost the server half of what upserts do.
    """

    def __init__(self, db: Database, suffix: str = "") -> None:
        self._points = db[f"{POINTS.name}{suffix}"]
        self._sums = {spec.name: db[f"{spec.name}{suffix}"] for spec in SUMS}

    async def rows(self, request_ids: Sequence[str], session: Session | None) -> dict[str, Row]:
        """Return the rows of some requests that have one, also one that is a mark alone."""
        cursor = self._points.find({"_id": {"$in": list(request_ids)}}, session=session)
        return {row["_id"]: row async for row in cursor.batch_size(_ALL)}

    async def outdated(self) -> bool:
        """Tell whether there are rows of an earlier version."""
        wanted = {"seq": {"$gte": 0}, NEWEST_FIELD: {"$exists": False}}
        return await self._points.find_one(wanted, {"_id": 1}) is not None

    async def sweep(self) -> None:
        """Remove sums that are zero.

        Safe beside consumers: one that has found such a sum there and adds to it conflicts with
        its removal, and looks again; and a removal looks again at what was just added to.
        """
        for collection in self._sums.values():
            await collection.delete_many({"n": 0})

    async def save_rows(
        self, known: Mapping[str, Row], rows: Mapping[str, Row], session: Session | None
    ) -> None:
        """Write rows by request id; ``known`` are those that are there."""
        writes = [_row_write(key, known.get(key), row) for key, row in rows.items()]
        if writes:
            await self._points.bulk_write(writes, ordered=False, session=session)

    async def move(self, moves: Moves, session: Session | None) -> None:
        """Add to sums."""
        for name, changes in moves.items():
            if changes:
                await self._add(name, changes, session)

    async def _add(self, name: str, changes: Mapping[str, Change], session: Session | None) -> None:
        collection, fields = self._sums[name], GROUPS[name]
        # What some leave and none enter has been there; the rest may be.
        unsure = [key for key, change in changes.items() if change.sums.get("n", 0) > 0]
        cursor = collection.find({"_id": {"$in": unsure}}, {"_id": 1}, session=session)
        there = {row["_id"] async for row in cursor.batch_size(_ALL)} if unsure else set[str]()
        new = set(unsure) - there
        writes: list[Write] = [
            InsertOne({"_id": key, **fields(change.row), **_nested(change.sums)})
            if key in new
            else UpdateOne({"_id": key}, {"$inc": change.sums})
            for key, change in changes.items()
        ]
        done = await collection.bulk_write(writes, ordered=False, session=session)
        if done.matched_count + done.inserted_count != len(writes):
            log.error("sums are missing, so they are wrong: rebuild geo", collection=name)


def _row_write(key: str, known: Row | None, row: Row) -> Write:
    if known is None:
        return InsertOne({"_id": key, **row})
    changed = {name: value for name, value in row.items() if known.get(name, _NONE) != value}
    return UpdateOne({"_id": key}, {"$set": changed})


def _nested(sums: Sums) -> dict[str, Any]:
    """Sums with what is below a dot as documents, for an insert."""
    nested: dict[str, Any] = {}
    for path, value in sums.items():
        *outer, name = path.split(".")
        inside = nested
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[name] = value
    return nested
