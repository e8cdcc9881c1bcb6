"""Snapshots of named feeds: made, looked up, compared."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError

from cst_core.clock import past_instant
from cst_core.errors import Conflict, CstError, InvalidInput, NotFound
from cst_core.paging import read_place, write_place
from cst_geo_analytics.domain.difference import difference
from cst_geo_analytics.domain.queries import HeatmapQuery
from cst_geo_analytics.domain.snapshots import next_due, read_reference
from cst_geo_analytics.snapshots.maker import SnapshotMaker
from cst_geo_analytics.snapshots.store import Moved, Place, SnapshotStore
from cst_ledger.events import Document
from cst_mongo.transactions import is_transient
from cst_process.core import Core

log = structlog.get_logger(__name__)


class Snapshots:
    """Makes snapshots, and answers from those that were made."""

    def __init__(self, core: Core, maker: SnapshotMaker) -> None:
        self._core = core
        self._maker = maker
        self._store = SnapshotStore(core.db)

    async def take(self, name: str) -> Document:
        """Make a snapshot now and return it.

        Raises:
            NotFound: no such feed.
            InvalidInput: its query gives no map, or one that is too large to be stored.
            Conflict: the feed was changed while the snapshot was made.
        """
        plan = await self._plan(name, staff=True)
        snapshot = await self._store.add(plan, await self._made(plan, None), None)
        if snapshot is None:
            raise Conflict(f"feed {name} was changed while its snapshot was made; take it again")
        return snapshot

    async def take_due(self, name: str) -> Document | None:
        """Make the snapshot that is due by the feed's schedule, one for all that was missed.

        Where that fails the plan says why, and goes on at its next time.

        Returns:
            The snapshot; None where none was due any more, another process was first, or it failed.
        """
        plan, now = await self._store.plan(name), self._core.clock.now()
        if plan is None or plan["next_at"] is None or plan["next_at"] > now:
            return None
        moved = Moved(plan["next_at"], next_due(plan["starts_at"], plan["every_hours"], now))
        try:
            made = await self._made(plan, moved.due_at)
        except Exception as error:
            if is_transient(error):
                raise
            await self._store.fail(plan, {"at": now, "detail": _reason(name, error)}, moved)
            return None
        return await self._store.add(plan, made, moved)

    async def _made(self, plan: Document, due_at: datetime | None) -> dict[str, Any]:
        try:
            query = HeatmapQuery.model_validate(plan["query"])
        except ValidationError as error:
            # It was stored by another version of the program.
            wrong = error.errors()[0]
            field = ".".join(["query", *map(str, wrong["loc"])])
            raise InvalidInput.field(field, wrong["msg"], str(wrong["input"])[:100]) from None
        made = await self._maker.make(query, plan["audience"])
        return {**made, "title": plan["title"], "due_at": due_at}

    async def latest(self, name: str, at: str | None, *, staff: bool) -> Document:
        """Return the newest snapshot without outlines, or the one in force at an instant.

        Raises:
            NotFound: no such feed, or no snapshot of it by then.
            InvalidInput: ``at`` is no instant, or has yet to come.
        """
        await self._plan(name, staff=staff)
        by = None if at is None else past_instant("at", at, self._core.clock.now())
        return self._found(name, await self._store.latest(name, public=not staff, at=by), at=at)

    async def snapshot(self, name: str, number: int, *, staff: bool) -> Document:
        """Return a snapshot without outlines; ``NotFound`` where there is none for the caller."""
        await self._plan(name, staff=staff)
        return self._found(name, await self._store.snapshot(name, number, public=not staff))

    async def page(
        self, name: str, cursor: str | None, limit: int, *, staff: bool
    ) -> tuple[list[Document], str | None]:
        """Return a page of snapshots without their maps, newest first, and the next cursor.

        Raises:
            NotFound: no such feed.
            InvalidInput: the cursor is none of ours.
        """
        await self._plan(name, staff=staff)
        after = None if cursor is None else _place(cursor)
        found = await self._store.page(name, after, limit + 1, public=not staff)
        page = found[:limit]
        if len(found) <= limit:
            return page, None
        return page, write_place(page[-1]["generated_at"], str(page[-1]["number"]))

    async def diff(
        self, name: str, before: str | None, after: str | None, *, staff: bool
    ) -> dict[str, Any]:
        """Compare two snapshots, each named by its number or an instant at which it was in force.

        Args:
            name: of the feed.
            before: default: the one made before ``after``.
            after: default: the newest.
            staff: who asks; others see what is public.

        Raises:
            NotFound: no such feed, or no such snapshot.
            InvalidInput: a reference is none, or the two show different things.
        """
        await self._plan(name, staff=staff)
        later = await self._referred(name, "to", after, staff=staff)
        if before is None:
            earlier = self._found(name, await self._store.before(later, public=not staff))
        else:
            earlier = await self._referred(name, "from", before, staff=staff)
        _check_comparable(earlier, later)
        features, totals = await asyncio.to_thread(
            difference, earlier["geojson"]["features"], later["geojson"]["features"]
        )
        return {"before": earlier, "after": later, "totals": totals, "features": features}

    async def _plan(self, name: str, *, staff: bool) -> Document:
        plan = await self._store.plan(name)
        if plan is None or not (staff or plan["audience"] == "public"):
            raise NotFound(f"no feed {name}", feed=name)
        return plan

    async def _referred(self, name: str, field: str, text: str | None, *, staff: bool) -> Document:
        """Return the snapshot that a parameter names; the newest where it names none."""
        at = None if text is None else read_reference(field, text, self._core.clock.now())
        if isinstance(at, int):
            found = await self._store.snapshot(name, at, public=not staff)
        else:
            found = await self._store.latest(name, public=not staff, at=at)
        return self._found(name, found, **{field: text})

    @staticmethod
    def _found(name: str, snapshot: Document | None, **asked: str | None) -> Document:
        if snapshot is None:
            raise NotFound(f"feed {name} has no such snapshot", feed=name, **asked)
        return snapshot


def _place(cursor: str) -> Place:
    generated_at, number = read_place(cursor)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise InvalidInput.field("cursor", "is not a cursor of this list", cursor[:100])
    return generated_at, int(number)


def _check_comparable(before: Document, after: Document) -> None:
    if _shown(before) != _shown(after):
        raise InvalidInput.field(
            "from",
            f"shows something else than the one it is compared with: {_shown(after)}",
            _shown(before),
            ["a snapshot made since the feed was changed"],
        )


def _shown(snapshot: Document) -> dict[str, Any]:
    """Return what a snapshot shows, without the words about it."""
    filters = {key: value for key, value in snapshot["filters"].items() if key != "area_note"}
    return {**filters, "audience": snapshot["audience"]}


def _reason(name: str, error: Exception) -> str:
    """Say why there is no snapshot, in a line that staff can act on."""
    if isinstance(error, CstError):
        return error.detail
    log.error("no snapshot", feed=name, exc_info=error)
    return f"internal error: {type(error).__name__}"
