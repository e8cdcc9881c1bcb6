"""Named feeds: what staff define, change and delete, and everybody sees of them."""

from __future__ import annotations

from typing import Any

from cst_core.errors import NotFound, StaleVersion
from cst_geo_analytics.domain.snapshots import (
    FeedPlan,
    Schedule,
    check_name,
    plain_query,
    scheduled,
)
from cst_geo_analytics.snapshots.maker import SnapshotMaker
from cst_geo_analytics.snapshots.store import SnapshotStore
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core


class NamedFeeds:
    """Keeps the plans of feeds."""

    def __init__(self, core: Core, maker: SnapshotMaker) -> None:
        self._core = core
        self._maker = maker
        self._store = SnapshotStore(core.db)

    async def put(
        self, name: str, plan: FeedPlan, caller: Caller, expected_version: int | None
    ) -> Document:
        """Create a feed (its ``version`` is 1 then) or change it as a whole; return it.

        Snapshots stay as they were made, but for those that it keeps no longer.

        Raises:
            InvalidInput: the name is not to be had, or the query is one that the heatmap refuses.
            StaleVersion: the feed is at another version than ``expected_version``.
        """
        check_name(name)
        # Asked once now, so that what is wrong with it is said now and not at every due time.
        await self._maker.make(plan.query, plan.audience)

        async def once(session: Session) -> Document:
            before = await self._store.plan(name, session)
            _check_version(name, before, expected_version)
            document = self._document(name, plan, before, caller)
            await self._store.save_plan(document, session)
            return document

        return await transact(self._core.db, once)

    def _document(
        self, name: str, plan: FeedPlan, before: Document | None, caller: Caller
    ) -> Document:
        now = self._core.clock.now()
        new: Document = {"version": 0, "taken": 0, "latest": None, "created_at": now}
        kept = before or new
        schedule = scheduled(plan, _schedule_of(before), now)
        return {
            "_id": name,
            **plan.model_dump(include={"title", "audience", "keep"}),
            "query": plain_query(plan.query),
            "every_hours": None if schedule is None else schedule.every_hours,
            "starts_at": None if schedule is None else schedule.starts_at,
            "next_at": None if schedule is None else schedule.next_at,
            "version": kept["version"] + 1,
            "taken": kept["taken"],
            "latest": kept["latest"],
            "failure": None,
            "created_at": kept["created_at"],
            "updated_at": now,
            "updated_by": caller.actor_id,
        }

    async def delete(self, name: str) -> None:
        """Delete a feed with its snapshots; ``NotFound`` where there is none."""

        async def once(session: Session) -> bool:
            return await self._store.delete(name, session)

        if not await transact(self._core.db, once):
            raise NotFound(f"no feed {name}", feed=name)

    async def page(
        self, after: str | None, limit: int, *, staff: bool
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return a page of feeds by name, and the name to go on after (None on the last page)."""
        found = await self._store.plans(not staff, after, limit + 1)
        page = found[:limit]
        return [feed_view(plan, staff=staff) for plan in page], (
            page[-1]["_id"] if len(found) > limit else None
        )


def feed_view(plan: Document, *, staff: bool) -> dict[str, Any]:
    """Return a feed as the caller may see it."""
    view = {**plan, "name": plan["_id"]}
    if staff:
        return view
    latest = plan["latest"]
    # One that was made for staff, before the feed became public, stays theirs.
    shown = latest if latest is not None and latest["audience"] == "public" else None
    return view | {"latest": shown, "updated_by": None, "failure": None}


def _schedule_of(plan: Document | None) -> Schedule | None:
    if plan is None or plan["every_hours"] is None:
        return None
    return Schedule(plan["every_hours"], plan["starts_at"], plan["next_at"])


def _check_version(name: str, plan: Document | None, expected: int | None) -> None:
    current = 0 if plan is None else plan["version"]
    if expected not in (None, current):
        raise StaleVersion(
            f"feed {name} is at version {current}, not {expected}", current_version=current
        )
