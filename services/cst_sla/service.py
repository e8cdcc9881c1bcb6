"""SLA's use cases: follow requests with clocks, and fire what is due exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from cst_mongo.client import Session
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core
from cst_sla.domain.clock import breach, clock_of, kpis_of
from cst_sla.repository import SlaRepository

log = structlog.get_logger(__name__)

#: Pause between looks at the clocks when nothing is due, in wall seconds.
PAUSE_S = 0.5
#: Breaches written in one transaction, and how many are taken up at a time.
FIRE_CHUNK = 50
DUE_BATCH = 500


class SlaService:
    """Keeps clocks and KPIs; declares breaches."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("sla")
        self._repository = SlaRepository(core.db)

    async def follow(self, request_ids: Sequence[str], session: Session) -> None:
        """Bring the clocks and KPIs of some requests in line with the requests as they stand."""
        documents = await self._repository.requests(request_ids, session)
        known = await self._repository.clocks(request_ids, session)
        clocks: dict[str, dict[str, Any]] = {}
        withdrawn, kpis = list[str](), {}
        for document in documents:
            request_id = document["request_id"]
            breached_at = known.get(request_id, {}).get("breached_at")
            clock = clock_of(document, breached_at)
            if clock is not None:
                clocks[request_id] = clock
            elif request_id in known:
                withdrawn.append(request_id)
            kpis[document["_id"]] = kpis_of(document, breached=breached_at is not None)
        await self._repository.save_clocks(clocks, session)
        await self._repository.drop_clocks(withdrawn, session)
        await self._repository.save_kpis(kpis, session)

    async def fire_due(self) -> int:
        """Declare what is breached by now; return how many clocks were looked at."""
        due = await self._repository.due(self._core.clock.now(), DUE_BATCH)
        for start in range(0, len(due), FIRE_CHUNK):
            await self._fire(due[start : start + FIRE_CHUNK])
        return len(due)

    async def _fire(self, request_ids: Sequence[str]) -> None:
        async def once(session: Session) -> None:
            clocks = await self._repository.clocks(request_ids, session)
            now, kpis = self._core.clock.now(), {}
            for request_id, clock in clocks.items():
                breach_at = clock["next_due_at"]
                if breach_at is None or breach_at > now:
                    continue  # stopped or prolonged since it was looked up
                document = await self._ledger.load(request_id, session)
                if (clock_of(document) or {}).get("next_due_at") != breach_at:
                    continue  # the clock has yet to follow what happened to its request
                if not await self._repository.mark_breached(request_id, breach_at, session):
                    continue
                await self._ledger.append(document, [breach(document, breach_at)], session)
                kpis[document["_id"]] = kpis_of(document, breached=True)
            await self._repository.save_kpis(kpis, session)

        await transact(self._core.db, once)

    async def run_clocks(self, stop: asyncio.Event) -> None:
        """Fire what falls due until ``stop`` is set; any number of processes may do so."""
        while not stop.is_set():
            looked_at = 0
            try:
                looked_at = await self.fire_due()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("clocks: database unreachable", error=str(error)[:200])
            if looked_at < DUE_BATCH:
                try:
                    await asyncio.wait_for(stop.wait(), PAUSE_S)
                except TimeoutError:
                    continue
