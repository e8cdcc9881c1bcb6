"""What keeps the projections small and of today's version, beside the consumers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from cst_core.errors import Conflict
from cst_geo_analytics.projections.rebuild import GeoProjection
from cst_geo_analytics.projections.stores import ProjectionStore
from cst_mongo.transactions import is_transient

log = structlog.get_logger(__name__)

#: Wall seconds between sweeps, and how many times as long as a sweep took it rests at least.
SWEEP_S, REST = 60.0, 50.0
#: Wall seconds until it is looked again whether rows of an earlier version are left.
LOOK_S = 2.0


class Upkeep:
    """Two loops of every geo worker; both are safe beside each other and beside other workers."""

    def __init__(self, store: ProjectionStore, projection: GeoProjection) -> None:
        self._store = store
        self._projection = projection

    async def sweep(self, stop: asyncio.Event) -> None:
        """Remove sums that have become zero, again and again until ``stop`` is set."""
        while not stop.is_set():
            began = time.monotonic()
            await _trying("sweep", self._store.sweep)
            await _pause(stop, max(SWEEP_S, REST * (time.monotonic() - began)))

    async def renew(self, stop: asyncio.Event) -> None:
        """Rebuild where rows are of an earlier version, which lack what sums are made of now.

        Consumers wait meanwhile with the events of such rows. One worker rebuilds, others look on.
        """
        while not stop.is_set() and await _trying("renew", self._renew) is not True:
            await _pause(stop, LOOK_S)
        await stop.wait()

    async def _renew(self) -> bool:
        """Return whether all rows are of this version."""
        if await self._store.outdated():
            log.warning("rows of an earlier version: rebuilding the projection", projection="geo")
            with suppress(Conflict):  # another process rebuilds
                await self._projection.rebuild()
            return False
        return True


async def _trying(what: str, work: Callable[[], Awaitable[bool | None]]) -> bool | None:
    try:
        return await work()
    except Exception as error:
        if not is_transient(error):
            raise
        log.warning("upkeep: trying again later", what=what, error=str(error)[:200])
        return None


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
