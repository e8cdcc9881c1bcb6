"""Geo-analytics' queries: a row per request, sums per cell, cached feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from cst_bus.marks import PARKED_INDEX
from cst_geo_analytics.domain.projection import Key, Row
from cst_geo_analytics.gate import GATES
from cst_ledger.events import Document
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

POINTS = CollectionSpec("geo_points", (PARKED_INDEX,))
CELLS = CollectionSpec(
    "geo_cells",
    (
        IndexModel([("lon", ASCENDING), ("lat", ASCENDING)]),
        IndexModel([("category", ASCENDING), ("status", ASCENDING)]),
    ),
)
FEEDS = CollectionSpec(
    "geo_feeds",
    (
        IndexModel([("feed_name", ASCENDING)], unique=True),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ),
)
#: What is made of the ledger, and from there again.
BUILT = (POINTS, CELLS)
SPECS = (*BUILT, FEEDS, GATES)

CELL_FIELDS = ("cell", "category", "status", "priority", "zone_id", "public")


def staged_specs(suffix: str) -> list[CollectionSpec]:
    """Return the built collections under their names with ``suffix``, with the same indexes."""
    return [replace(spec, name=f"{spec.name}{suffix}") for spec in BUILT]


class GeoRepository:
    """Reads and writes the projections, or those that a rebuild has staged under ``suffix``."""

    def __init__(self, db: Database, suffix: str = "") -> None:
        self._points = db[f"{POINTS.name}{suffix}"]
        self._cells = db[f"{CELLS.name}{suffix}"]
        self._feeds = db[FEEDS.name]

    async def rows(self, request_ids: Sequence[str], session: Session | None) -> dict[str, Row]:
        """Return the rows of some requests that have one."""
        wanted = {"_id": {"$in": list(request_ids)}, "seq": {"$gte": 0}}
        cursor = self._points.find(wanted, session=session)
        return {row["_id"]: row async for row in cursor}

    async def save_rows(self, rows: Mapping[str, Row], session: Session | None) -> None:
        updates = [UpdateOne({"_id": key}, {"$set": row}, upsert=True) for key, row in rows.items()]
        if updates:
            await self._points.bulk_write(updates, ordered=False, session=session)

    async def move_cells(
        self,
        deltas: Mapping[Key, Mapping[str, int]],
        centers: Mapping[str, tuple[float, float]],
        session: Session | None,
    ) -> None:
        """Add to cell sums; ``centers`` gives (lon, lat) by cell."""
        updates = []
        for key, sums in deltas.items():
            lon, lat = centers[key[0]]
            fields = dict(zip(CELL_FIELDS, key, strict=True)) | {"lon": lon, "lat": lat}
            update = {"$inc": dict(sums), "$setOnInsert": fields}
            updates.append(UpdateOne({"_id": "|".join(key)}, update, upsert=True))
        if updates:
            await self._cells.bulk_write(updates, ordered=False, session=session)

    async def leaves(self, wanted: dict[str, Any]) -> list[Document]:
        """Return sums per leaf cell and publicity: {cell, public, n, w}."""
        pipeline: list[dict[str, Any]] = [
            {"$match": {**wanted, "n": {"$gt": 0}}},
            {
                "$group": {
                    "_id": {"cell": "$cell", "public": "$public"},
                    "n": {"$sum": "$n"},
                    "w": {"$sum": "$w"},
                }
            },
        ]
        cursor = await self._cells.aggregate(pipeline)
        return [{**row["_id"], "n": row["n"], "w": row["w"]} async for row in cursor]

    async def feed(self, name: str) -> Document | None:
        """Return a cached feed."""
        return await self._feeds.find_one({"feed_name": name})

    async def save_feed(self, feed: dict[str, Any]) -> None:
        """Insert or replace a feed by its name."""
        await self._feeds.replace_one({"feed_name": feed["feed_name"]}, feed, upsert=True)
