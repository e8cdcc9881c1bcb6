"""Geo-analytics' queries: a row per request, sums per cell and per KPI group, cached feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne

from cst_bus.marks import Mark
from cst_geo_analytics.domain.projection import Key, Row
from cst_ledger.events import Document
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec

POINTS = CollectionSpec("geo_points")
CELLS = CollectionSpec(
    "geo_cells",
    (
        IndexModel([("lon", ASCENDING), ("lat", ASCENDING)]),
        IndexModel([("category", ASCENDING), ("status", ASCENDING)]),
    ),
)
KPIS = CollectionSpec("kpi_days", (IndexModel([("day", ASCENDING)]),))
FEEDS = CollectionSpec(
    "geo_feeds",
    (
        IndexModel([("feed_name", ASCENDING)], unique=True),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ),
)
SPECS = (POINTS, CELLS, KPIS, FEEDS)

CELL_FIELDS = ("cell", "category", "status", "priority", "zone_id", "public")
KPI_FIELDS = ("day", "category", "zone_id", "priority", "status")


class RowMarks:
    """The consumer's marks, kept in its rows: ``seq`` says what a row has taken in."""

    def __init__(self, db: Database) -> None:
        self._points = db[POINTS.name]

    async def load(self, request_ids: Iterable[str], session: Session) -> dict[str, Mark]:
        wanted = {"_id": {"$in": list(request_ids)}}
        cursor = self._points.find(wanted, {"seq": 1, "parked": 1}, session=session)
        return {row["_id"]: Mark(row["seq"], row.get("parked", False)) async for row in cursor}

    async def save(self, seqs: Mapping[str, int], session: Session) -> None:
        """The handler has written ``seq`` with the rows."""

    async def park(self, request_id: str, session: Session) -> None:
        await self._points.update_one(
            {"_id": request_id},
            {"$set": {"parked": True}, "$setOnInsert": {"seq": -1}},
            upsert=True,
            session=session,
        )


class GeoRepository:
    """Reads and writes the projections."""

    def __init__(self, db: Database) -> None:
        self._points = db[POINTS.name]
        self._cells = db[CELLS.name]
        self._kpis = db[KPIS.name]
        self._feeds = db[FEEDS.name]

    async def rows(self, request_ids: Sequence[str], session: Session) -> dict[str, Row]:
        """Return the rows of some requests that have one."""
        wanted = {"_id": {"$in": list(request_ids)}, "seq": {"$gte": 0}}
        cursor = self._points.find(wanted, session=session)
        return {row["_id"]: row async for row in cursor}

    async def save_rows(self, rows: Mapping[str, Row], session: Session) -> None:
        updates = [UpdateOne({"_id": key}, {"$set": row}, upsert=True) for key, row in rows.items()]
        if updates:
            await self._points.bulk_write(updates, ordered=False, session=session)

    async def move_cells(
        self,
        deltas: Mapping[Key, Mapping[str, float]],
        centers: Mapping[str, tuple[float, float]],
        session: Session,
    ) -> None:
        """Add to cell sums; ``centers`` gives (lon, lat) by cell."""
        updates = []
        for key, sums in deltas.items():
            lon, lat = centers[key[0]]
            fields = dict(zip(CELL_FIELDS, key, strict=True)) | {"lon": lon, "lat": lat}
            updates.append(_moved(key, sums, fields))
        if updates:
            await self._cells.bulk_write(updates, ordered=False, session=session)

    async def move_kpis(self, deltas: Mapping[Key, Mapping[str, float]], session: Session) -> None:
        """Add to KPI sums."""
        updates = [
            _moved(key, sums, dict(zip(KPI_FIELDS, key, strict=True)))
            for key, sums in deltas.items()
        ]
        if updates:
            await self._kpis.bulk_write(updates, ordered=False, session=session)

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

    async def kpi_sums(self, wanted: dict[str, Any], group: str | None) -> list[Document]:
        """Return KPI sums by (group, status): {key, status, n, resolved, minutes, met, missed}."""
        names = ("n", "resolved", "minutes", "met", "missed")
        key = f"${group}" if group else None
        pipeline: list[dict[str, Any]] = [
            {"$match": {**wanted, "n": {"$gt": 0}}},
            {
                "$group": {
                    "_id": {"key": key, "status": "$status"},
                    **{name: {"$sum": f"${name}"} for name in names},
                }
            },
        ]
        cursor = await self._kpis.aggregate(pipeline)
        return [{**row["_id"], **{n: row[n] for n in names}} async for row in cursor]

    async def feed(self, name: str) -> Document | None:
        """Return a cached feed."""
        return await self._feeds.find_one({"feed_name": name})

    async def save_feed(self, feed: dict[str, Any]) -> None:
        """Insert or replace a feed by its name."""
        await self._feeds.replace_one({"feed_name": feed["feed_name"]}, feed, upsert=True)


def _moved(key: Key, sums: Mapping[str, float], fields: dict[str, Any]) -> UpdateOne:
    update = {"$inc": dict(sums), "$setOnInsert": fields}
    return UpdateOne({"_id": "|".join(key)}, update, upsert=True)
