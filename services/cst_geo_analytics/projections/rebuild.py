"""The projection ``geo`` from the ledger: rows and all sums, rebuilt or checked.

The build goes into collections of its own, whose names end in the epoch of the lease it runs under,
so that no other rebuild, dead or paused, writes into them. It reads every request once, then again
what was written meanwhile, until little is left; then the gate (``gate``) is closed, what is left
follows, and the collections are swapped. Whatever the live consumers had handled is in the ledger
by then, and what they handle next is compared with ``seq`` in the new rows: once each.

A rebuilt row has taken in every event in the ledger, also one that a consumer could not handle. So
nothing is parked afterwards, and the dead letters of those requests count as handled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bson import ObjectId

from cst_core.clock import wall_now
from cst_geo_analytics.domain.projection import MOVING, ROW_FIELDS
from cst_geo_analytics.projections.compare import differing
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.ledger_rows import BATCH, LedgerRows
from cst_geo_analytics.projections.stores import BUILT, POINTS, ProjectionStore, staged_specs
from cst_geo_analytics.projections.take_in import take_in
from cst_ledger.events import Document
from cst_mongo.indexes import migrate
from cst_mongo.leases import Leases, Tenure
from cst_process.core import Core
from cst_process.projection import Differences, difference

#: ``updated_at`` is set in a transaction (which may last 60 s) by its process's clock: how far
#: before the last look at the ledger the next one begins.
OVERLAP = timedelta(minutes=2)
#: The gate closes when a look finds fewer requests than this, or after so many looks.
LITTLE, LOOKS = 200, 10
STAGED = "__next_"
_SUMS = frozenset(("n", "w", "wt", "by", "hours", "sources", "met", "missed"))


@dataclass
class _Build:
    """A build under way: where to, under which lease, and what the looks have seen."""

    target: ProjectionStore
    tenure: Tenure
    zone: ZoneInfo
    since: datetime = field(default_factory=lambda: wall_now() - OVERLAP)
    seen: dict[ObjectId, int] = field(default_factory=dict)


class GeoProjection:
    """Rebuilds and checks ``geo_points`` and every collection of sums."""

    def __init__(self, core: Core, gate: Gate, leases: Leases) -> None:
        self._db = core.db
        self._catalog = core.catalog
        self._gate = gate
        self._leases = leases
        self._ledger = LedgerRows(core.db, MOVING)

    async def rebuild(self) -> int:
        """Build and swap; return the number of rows.

        Raises:
            Conflict: it is being rebuilt or checked by another process.
        """
        async with self._leases.hold(self._gate.lease_name) as tenure:
            epoch, suffix = tenure.lease.epoch, f"{STAGED}{tenure.lease.epoch}"
            build = await self._begin(tenure, suffix)
            await self._read_everything(build)
            await self._gate.close(epoch)
            try:
                await self._look(build)
                await self._gate.commit(epoch, suffix)
            finally:
                await self._gate.reopen(epoch)  # does nothing once it is decided
            await self._gate.finish()
        return await self._db[POINTS.name].estimated_document_count()

    async def check(self) -> list[str]:
        """Build, and compare with the live collections instead of swapping; see ``Projection``."""
        async with self._leases.hold(self._gate.lease_name) as tenure:
            suffix = f"{STAGED}{tenure.lease.epoch}"
            build = await self._begin(tenure, suffix)
            await self._read_everything(build)
            found = Differences()
            for spec in BUILT:
                live, staged = self._db[spec.name], self._db[f"{spec.name}{suffix}"]
                essence = _row if spec is POINTS else _sums
                async for key, mine, yours in differing(live, staged, essence):
                    tenure.check()
                    found.add(f"{spec.name} {key}: {difference(mine, yours)}")
            await self._drop_staged()
        return found.lines()

    async def _begin(self, tenure: Tenure, suffix: str) -> _Build:
        """Claim the gate, remove what dead builds left, and create empty collections."""
        await self._gate.claim(tenure.lease.epoch)
        await self._drop_staged()
        await migrate(self._db, staged_specs(suffix))
        zone = ZoneInfo((await self._catalog.get()).city.timezone)
        return _Build(ProjectionStore(self._db, suffix), tenure, zone)

    async def _drop_staged(self) -> None:
        pattern = {"name": {"$regex": f"^({'|'.join(spec.name for spec in BUILT)}){STAGED}"}}
        for name in await self._db.list_collection_names(filter=pattern):
            await self._db[name].drop()

    async def _read_everything(self, build: _Build) -> None:
        async for oids in self._ledger.everything():
            await self._take(build, oids)
        for _ in range(LOOKS):
            if await self._look(build) < LITTLE:
                return

    async def _look(self, build: _Build) -> int:
        """Take in what was written since the last look; return how many requests that were."""
        since, build.since = build.since, wall_now() - OVERLAP
        count, batch = 0, list[ObjectId]()
        async for oid, last_seq in self._ledger.written_since(since):
            if build.seen.get(oid, -1) >= last_seq:
                continue
            build.seen[oid] = last_seq
            batch.append(oid)
            if len(batch) == BATCH:
                await self._take(build, batch)
                count, batch = count + BATCH, []
        await self._take(build, batch)
        return count + len(batch)

    async def _take(self, build: _Build, oids: Sequence[ObjectId]) -> None:
        build.tenure.check()
        rows = await self._ledger.rows(oids, build.zone)
        await take_in(build.target, list(rows.items()))


def _row(document: Document) -> dict[str, Any] | None:
    """What counts of a row: its facts, and that it is parked; the rest is the mark's own.

    A row that has taken in nothing yet is a mark alone.
    """
    if document["seq"] < 0:
        return None
    kept = {name: document[name] for name in ROW_FIELDS if name in document}
    return kept | {"parked": True} if document.get("parked") else kept


def _sums(document: Document) -> dict[str, Any] | None:
    """What counts of a group's sums: one of zero is no sum, and a group without any is none."""
    sums = {name: _without_zeros(document.get(name)) for name in _SUMS}
    return document | sums if any(sums.values()) else None


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        value = {name: kept for name, count in value.items() if (kept := _without_zeros(count))}
    return value or None
