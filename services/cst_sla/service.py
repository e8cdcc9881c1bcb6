"""SLA's use cases: follow requests with clocks, and fire what is due exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from cst_inbox import Inbox
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.leases import holder_name
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_sla.domain.clock import clock_of, pending
from cst_sla.domain.firing import fire
from cst_sla.domain.kpis import kpis_of
from cst_sla.kpis.facts import Facts
from cst_sla.repository import SlaRepository

#: Pause between looks at the clocks when nothing is due, in wall seconds.
PAUSE_S = 0.5
#: Requests whose steps fire in one transaction, and how many are claimed at a time: few enough
#: that several schedulers share what is due, and that a dead one does not keep much.
FIRE_CHUNK = 25
CLAIMED = 100


class SlaService:
    """Keeps clocks and KPIs; fires the steps of the policies."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("sla")
        self._inbox = Inbox(core.db)
        self._repository = SlaRepository(core.db)
        self._facts = Facts(core)
        self._holder = holder_name()

    async def follow(self, request_ids: Sequence[str], session: Session) -> None:
        """Bring the clocks and KPIs of some requests in line with the requests as they stand."""
        await self._keep(await self._repository.requests(request_ids, session), session)

    async def _keep(self, documents: Sequence[Document], session: Session) -> None:
        clocks = {document["request_id"]: clock_of(document) for document in documents}
        running = {key: clock for key, clock in clocks.items() if clock is not None}
        await self._repository.put_clocks(running, session)
        await self._repository.drop_clocks([key for key in clocks if key not in running], session)
        kpis = {document["_id"]: kpis_of(document) for document in documents}
        await self._repository.save_kpis(kpis, session)
        await self._facts.keep(documents, session)

    async def fire_due(self) -> int:
        """Fire the steps that are due by now; return how many clocks were looked at.

        What was due while nobody looked fires late, with the time when it was due.
        """
        claimed = await self._repository.claim(self._core.clock.now(), CLAIMED, self._holder)
        for start in range(0, len(claimed), FIRE_CHUNK):
            await self._fire(claimed[start : start + FIRE_CHUNK])
        return len(claimed)

    async def _fire(self, request_ids: Sequence[str]) -> None:
        async def once(session: Session) -> None:
            now = self._core.clock.now()
            documents = await self._repository.whole(request_ids, session)
            # The rows of clocks only say where to look: what is due is what the requests say.
            after = [await self._fire_steps(document, now, session) for document in documents]
            await self._keep(after, session)

        await transact(self._core.db, once)

    async def _fire_steps(self, document: Document, now: datetime, session: Session) -> Document:
        for step in pending(document):
            if step.at > now:
                break
            escalation = fire(document, step)
            document = await self._ledger.append(document, escalation.events, session)
            for notice in escalation.notices:
                await self._inbox.post(notice, document, now, session)
        return document

    async def run_clocks(self, stop: asyncio.Event) -> None:
        """Fire what falls due until ``stop`` is set; any number of processes may do so."""

        async def work() -> bool:
            return await self.fire_due() == CLAIMED

        await repeat("clocks", work, stop, pause_s=PAUSE_S)
