"""The loop that works off the queue: one by one, or many together when much waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog
from bson import ObjectId

from cst_dispatch.batching import Planner
from cst_dispatch.choosing import Chooser
from cst_dispatch.queue import Queue
from cst_dispatch.service import Attempt, DispatchService, next_try
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.leases import holder_name
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core
from cst_process.looping import repeat

log = structlog.get_logger(__name__)

#: Pause between looks at the queue, in wall seconds, and how many requests are taken at a time.
PAUSE_S = 0.25
CLAIMED = 50
#: How many are planned together.
PLANNED = 500
#: When to come back to what failed for a reason that time does not heal.
AFTER_FAILURE = timedelta(minutes=10)


class QueueWork:
    """Assigns what is due in the queue; any number of processes may do so."""

    def __init__(self, core: Core, chooser: Chooser | None = None) -> None:
        chooser = chooser or Chooser(core)
        self._core = core
        self._service = DispatchService(core, chooser)
        self._planner = Planner(core, chooser)
        self._queue = Queue(core.db)
        self._holder = holder_name()

    async def work_off(self) -> int:
        """Look at what is due, first by priority and age; return how many requests.

        They are planned together where so many have waited before: as long as there is room for
        all that come, one after the other shares it out evenly.
        """
        batch_from = self._core.settings.dispatch_batch_from
        limit = PLANNED if batch_from else CLAIMED
        rows = await self._queue.claim(self._core.clock.now(), limit, self._holder)
        have_waited = sum(row["deferred_as"] is not None for row in rows)
        if batch_from and have_waited >= batch_from:
            await self._together(rows)
        else:
            for row in rows:
                await self._one(row, None)
        return len(rows)

    async def _together(self, rows: Sequence[Document]) -> None:
        """Assign by a plan for all; what gets nobody waits on, and is told so once."""
        plan = await self._planner.plan(rows)
        log.info("planned together", waiting=len(rows), planned=len(plan.chosen))
        for row in rows:
            agent_id = plan.chosen.get(row["_id"])
            if agent_id is not None or row["deferred_as"] is None:
                await self._one(row, agent_id)
        now = self._core.clock.now()
        others = {
            row["_id"]: (row["wakes"], next_try(plan.next_start[row["_id"]], now))
            for row in rows
            if row["_id"] not in plan.chosen and row["deferred_as"] is not None
        }
        await self._queue.put_back(others)

    async def _one(self, row: Mapping[str, object], prefer: ObjectId | None) -> None:
        request_id, attempt = str(row["_id"]), Attempt(prefer=prefer)

        async def once(session: Session) -> None:
            await self._service.assign(request_id, session, attempt)

        try:
            await transact(self._core.db, once)
        except Exception as error:
            if is_transient(error):
                raise
            # For one request that fails for good nobody else shall wait.
            log.error("not assigned", request_id=request_id, exc_info=error)
            await self._queue.put_off(request_id, self._core.clock.now() + AFTER_FAILURE)

    async def run(self, stop: asyncio.Event) -> None:
        """Work off the queue until ``stop`` is set."""

        async def work() -> bool:
            return await self.work_off() > 0

        await repeat("queue", work, stop, pause_s=PAUSE_S)
