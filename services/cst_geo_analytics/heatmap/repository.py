"""The heatmap's queries: sums per cell in view, and cached feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from cst_geo_analytics.domain.heatmap import CACHED
from cst_geo_analytics.domain.making import Source
from cst_geo_analytics.projections.stores import AREAS, CELLS, DAYS, PROMISES
from cst_ledger.events import Document
from cst_mongo.client import Collection, Database
from cst_mongo.indexes import CollectionSpec

FEEDS = CollectionSpec(
    "geo_feeds",
    (
        IndexModel([("feed_name", ASCENDING)], unique=True),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        # Snapshots of named feeds; what is cached has no `feed`.
        IndexModel(
            [("feed", ASCENDING), ("generated_at", ASCENDING), ("number", ASCENDING)],
            partialFilterExpression={"feed": {"$exists": True}},
        ),
    ),
)
#: Between batches other work of the process gets its turn.
_BATCH = 5_000


class HeatmapRepository:
    """Reads sums."""

    def __init__(self, db: Database) -> None:
        self._sources: dict[Source, Collection] = {
            "cells": db[CELLS.name],
            "days": db[DAYS.name],
            "promises": db[PROMISES.name],
        }
        self._areas = db[AREAS.name]

    async def cells(
        self, source: Source, wanted: Mapping[str, Any], statuses: Sequence[str] | None
    ) -> AsyncIterator[Document]:
        """Yield {_id: cell, n, w, wt} of each cell: of resolution 8 by days, else of 10.

        ``wt`` is zero where ``source`` has none. With ``statuses`` only these are counted.
        """
        sums = {name: {"$sum": _sum(name, statuses)} for name in ("n", "w", "wt")}
        pipeline: list[dict[str, Any]] = [
            {"$match": {**wanted, "n": {"$gt": 0}}},
            {"$group": {"_id": "$cell", **sums}},
            {"$match": {"n": {"$gt": 0}}},
        ]
        async for row in await self._sources[source].aggregate(pipeline, batchSize=_BATCH):
            yield row

    async def areas(self, wanted: Mapping[str, Any]) -> list[Document]:
        """Return {month, category, cell, n} of what is public as an area."""
        fields = {"_id": 0, "month": 1, "category": 1, "cell": 1, "n": 1}
        return await self._areas.find({**wanted, "n": {"$gt": 0}}, fields).to_list()


def _value(name: str, statuses: Sequence[str] | None) -> Any:
    """What a document has of a sum: in all, or of some statuses, those that it has."""
    if statuses is None:
        return f"${name}"
    return {"$sum": [f"$by.{status}.{name}" for status in sorted(set(statuses))]}


def _sum(name: str, statuses: Sequence[str] | None) -> Any:
    """What a document counts: in all, or of some statuses."""
    if statuses is None:
        return f"${name}"
    return {"$add": [{"$ifNull": [f"$by.{status}.{name}", 0]} for status in statuses]}


class FeedRepository:
    """Keeps cached feeds in ``geo_feeds``; TTL removes them at their ``expires_at``."""

    def __init__(self, db: Database) -> None:
        self._feeds = db[FEEDS.name]

    async def find(self, name: str) -> Document | None:
        """Return a feed, without its geometries."""
        return await self._feeds.find_one({"feed_name": name}, {"geojson.features.geometry": 0})

    async def cached(self, limit: int) -> int:
        """Count cached feeds, at most to ``limit``."""
        cached = {"feed_name": {"$gte": CACHED, "$lt": CACHED[:-1] + chr(ord(CACHED[-1]) + 1)}}
        return await self._feeds.count_documents(cached, limit=limit)

    async def save(self, feed: dict[str, Any]) -> None:
        """Insert or replace a feed by its name; where another process is just doing so, it wins."""
        try:
            await self._feeds.replace_one({"feed_name": feed["feed_name"]}, feed, upsert=True)
        except DuplicateKeyError:
            return

    async def touch(self, name: str, etag: str, marks: Mapping[str, Any]) -> None:
        """Set ``marks`` of a feed that still is the one with this ``etag``."""
        await self._feeds.update_one({"feed_name": name, "etag": etag}, {"$set": marks})
