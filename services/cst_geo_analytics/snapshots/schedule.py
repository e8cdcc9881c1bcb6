"""The schedule of named feeds: snapshots that fall due are made, each once."""

from __future__ import annotations

import asyncio

from cst_geo_analytics.snapshots.service import Snapshots
from cst_geo_analytics.snapshots.store import SnapshotStore
from cst_mongo.leases import holder_name
from cst_process.core import Core
from cst_process.looping import repeat

#: Pause between looks, in wall seconds.
PAUSE_S = 1.0


class SnapshotSchedule:
    """Makes what is due; any number of processes may do so at once.

    A plan is claimed for a while, so that others need not make the same map. That each due time has
    one snapshot does not rest on that: it is stored together with the plan's next time, by who
    comes first.
    """

    def __init__(self, core: Core, snapshots: Snapshots) -> None:
        self._core = core
        self._snapshots = snapshots
        self._store = SnapshotStore(core.db)
        self._holder = holder_name()

    async def take_next(self) -> bool:
        """Make the snapshot that has been due longest; tell whether one was due.

        One at a time: where the database fails in the midst of it, that one waits for the end of
        its claim and holds up none of the others.
        """
        name = await self._store.claim(self._core.clock.now(), self._holder)
        if name is None:
            return False
        await self._snapshots.take_due(name)
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Make what falls due until ``stop`` is set."""
        await repeat("snapshots", self.take_next, stop, pause_s=PAUSE_S)
