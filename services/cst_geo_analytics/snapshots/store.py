"""Named feeds and their snapshots as stored: ``geo_feed_plans``, and ``geo_feeds`` by ``feed``.

Snapshots lie beside the heatmap's cache. They have a ``feed``, which what is cached has not, and no
``expires_at``, so that they stay until they are pruned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from cst_geo_analytics.domain.snapshots import snapshot_name
from cst_geo_analytics.heatmap.repository import FEEDS
from cst_ledger.events import Document
from cst_mongo.claims import claim
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.transactions import transact

PLANS = CollectionSpec("geo_feed_plans", (IndexModel([("next_at", ASCENDING)]),))

#: A place in the list of a feed's snapshots: when it was made, and its number.
Place = tuple[datetime, int]
_NEWEST_FIRST = [("generated_at", DESCENDING), ("number", DESCENDING)]
_WITHOUT_MAP = {"geojson": 0}
#: A cell says where it lies. Reading thousands of outlines would keep the process from all else.
_WITHOUT_OUTLINES = {"geojson.features.geometry": 0}


@dataclass(frozen=True, slots=True)
class Moved:
    """A due time that is done with, and the next."""

    due_at: datetime
    next_at: datetime


class SnapshotStore:
    """Reads and writes plans and snapshots.

    A change of a plan counts its ``version`` up, and what was made by an earlier one is not stored.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._plans = db[PLANS.name]
        self._snapshots = db[FEEDS.name]

    async def plan(self, name: str, session: Session | None = None) -> Document | None:
        """Return a plan."""
        return await self._plans.find_one({"_id": name}, session=session)

    async def plans(self, public: bool, after: str | None, limit: int) -> list[Document]:
        """Return up to ``limit`` plans by name after a name, all or the public ones alone."""
        wanted: dict[str, Any] = {"audience": "public"} if public else {}
        if after is not None:
            wanted["_id"] = {"$gt": after}
        return await self._plans.find(wanted).sort("_id", ASCENDING).limit(limit).to_list()

    async def save_plan(self, plan: Mapping[str, Any], session: Session) -> None:
        """Insert or replace a plan, and prune what it keeps no longer."""
        document = {**plan, "claimed_until": None}
        await self._plans.replace_one({"_id": plan["_id"]}, document, upsert=True, session=session)
        await self._prune(plan["_id"], plan["taken"] - plan["keep"], session)

    async def delete(self, name: str, session: Session) -> bool:
        """Delete a plan with its snapshots; tell whether there was one."""
        result = await self._plans.delete_one({"_id": name}, session=session)
        await self._snapshots.delete_many({"feed": name}, session=session)
        return result.deleted_count == 1

    async def claim(self, now: datetime, holder: str) -> str | None:
        """Take a plan that is due for a while, the longest due first; return its name."""
        order = [("next_at", ASCENDING)]
        claimed = await claim(self._plans, {"next_at": {"$lte": now}}, order, 1, holder)
        return claimed[0] if claimed else None

    async def add(
        self, plan: Document, made: Mapping[str, Any], moved: Moved | None
    ) -> Document | None:
        """Store a snapshot under the plan's next number, and prune.

        Args:
            plan: what it was made by.
            made: the snapshot's fields, but for its name and number.
            moved: the due time it was made for; None where it was asked for.

        Returns:
            The snapshot; None where the plan has changed meanwhile, or another was first.
        """

        async def once(session: Session) -> Document | None:
            current = await self._plans.find_one(_unchanged(plan, moved), session=session)
            if current is None:
                return None
            number = current["taken"] + 1
            name = snapshot_name(plan["_id"], number)
            snapshot = {**made, "feed": plan["_id"], "feed_name": name, "number": number}
            latest = {key: snapshot[key] for key in ("number", "generated_at", "etag", "audience")}
            fields = {"taken": number, "latest": latest, "failure": None} | _rhythm(moved)
            await self._plans.update_one({"_id": plan["_id"]}, {"$set": fields}, session=session)
            await self._snapshots.insert_one(snapshot, session=session)
            await self._prune(plan["_id"], number - current["keep"], session)
            return snapshot

        return await transact(self._db, once)

    async def fail(self, plan: Document, failure: Mapping[str, Any], moved: Moved) -> None:
        """Note why there is no snapshot for a due time, unless the plan has changed meanwhile."""
        fields = {"failure": dict(failure)} | _rhythm(moved)
        await self._plans.update_one(_unchanged(plan, moved), {"$set": fields})

    async def _prune(self, name: str, upto: int, session: Session) -> None:
        """Delete the snapshots up to a number."""
        wanted = {"feed": name, "number": {"$lte": upto}}
        await self._snapshots.delete_many(wanted, session=session)

    async def snapshot(self, feed: str, number: int, *, public: bool) -> Document | None:
        """Return a snapshot without its outlines; with ``public`` only one that anybody may see."""
        wanted = {"feed_name": snapshot_name(feed, number)} | _seen(public)
        return await self._snapshots.find_one(wanted, _WITHOUT_OUTLINES)

    async def latest(
        self, feed: str, *, public: bool, at: datetime | None = None
    ) -> Document | None:
        """Return the newest snapshot, or the newest of those made by ``at``; without outlines."""
        wanted: dict[str, Any] = {"feed": feed} | _seen(public)
        if at is not None:
            wanted["generated_at"] = {"$lte": at}
        return await self._snapshots.find_one(wanted, _WITHOUT_OUTLINES, sort=_NEWEST_FIRST)

    async def before(self, snapshot: Document, *, public: bool) -> Document | None:
        """Return the snapshot that was made before this one, without outlines."""
        place = (snapshot["generated_at"], snapshot["number"])
        wanted = {"feed": snapshot["feed"]} | _seen(public) | _older(place)
        return await self._snapshots.find_one(wanted, _WITHOUT_OUTLINES, sort=_NEWEST_FIRST)

    async def page(
        self, feed: str, after: Place | None, limit: int, *, public: bool
    ) -> list[Document]:
        """Return up to ``limit`` snapshots without their maps, newest first, after a place."""
        wanted = {"feed": feed} | _seen(public) | ({} if after is None else _older(after))
        cursor = self._snapshots.find(wanted, _WITHOUT_MAP).sort(_NEWEST_FIRST).limit(limit)
        return await cursor.to_list()


def _unchanged(plan: Document, moved: Moved | None) -> dict[str, Any]:
    """The filter of a plan as it was read, with its due time still to be done."""
    due = {} if moved is None else {"next_at": moved.due_at}
    # Of another feed of the same name, made since, the versions may be the same.
    return {"_id": plan["_id"], "version": plan["version"], "created_at": plan["created_at"]} | due


def _rhythm(moved: Moved | None) -> dict[str, Any]:
    return {} if moved is None else {"next_at": moved.next_at, "claimed_until": None}


def _seen(public: bool) -> dict[str, Any]:
    return {"audience": "public"} if public else {}


def _older(place: Place) -> dict[str, Any]:
    generated_at, number = place
    same = {"generated_at": generated_at, "number": {"$lt": number}}
    return {"$or": [{"generated_at": {"$lt": generated_at}}, same]}
