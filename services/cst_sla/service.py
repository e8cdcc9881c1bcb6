"""SLA's use cases: follow requests with clocks, and fire what is due exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_sla.domain.clock import breach, clock_of, kpis_of
from cst_sla.repository import SlaRepository

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
        breaches = await self._breaches(documents, known, session)
        clocks: dict[str, dict[str, Any]] = {}
        withdrawn, kpis = list[str](), {}
        for document in documents:
            request_id, breached_at = document["request_id"], breaches.get(document["_id"])
            clock = clock_of(document, breached_at)
            if clock is not None:
                clocks[request_id] = clock | {"breached_at": breached_at}
            elif request_id in known:
                withdrawn.append(request_id)
            kpis[document["_id"]] = kpis_of(document, breached=breached_at is not None)
        await self._repository.put_clocks(clocks, session)
        await self._repository.drop_clocks(withdrawn, session)
        await self._repository.save_kpis(kpis, session)

    async def _breaches(
        self, documents: Sequence[Document], known: Mapping[str, Document], session: Session
    ) -> dict[ObjectId, datetime]:
        """Return when requests were breached: by their clocks, and by the ledger for the others.

        A clock is dropped while its request is a duplicate, and what was breached before stays so.
        """
        found, unknown = dict[ObjectId, datetime](), list[ObjectId]()
        for document in documents:
            clock = known.get(document["request_id"])
            if clock is None and document["ledger"]["seq"] > 0:
                unknown.append(document["_id"])
            elif clock is not None and clock["breached_at"] is not None:
                found[document["_id"]] = clock["breached_at"]
        if unknown:
            found |= await self._repository.breaches(unknown, session)
        return found

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

        async def work() -> bool:
            return await self.fire_due() == DUE_BATCH

        await repeat("clocks", work, stop, pause_s=PAUSE_S)
