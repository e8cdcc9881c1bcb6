"""Notices that stay open: repeated to the next role, kept in line with their requests, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from cst_inbox import Inbox, interval_of
from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_sla.domain.notices import next_repeat, next_role, repeated, why_moot

#: Notices looked up at a time, and repeated in one transaction.
DUE_BATCH = 500
CHUNK = 20
#: Pause where nothing is to be repeated, in wall seconds.
PAUSE_S = 1.0


class NoticeService:
    """Looks after open notices."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("sla")
        self._inbox = Inbox(core.db)

    async def repeat_due(self) -> int:
        """Repeat what nobody has acknowledged by now; return how many notices were looked at."""
        due = await self._inbox.due(self._core.clock.now(), DUE_BATCH)
        for start in range(0, len(due), CHUNK):
            await self._repeat(due[start : start + CHUNK])
        return len(due)

    async def _repeat(self, notice_ids: Sequence[str]) -> None:
        async def once(session: Session) -> None:
            now = self._core.clock.now()
            for notice_id in notice_ids:
                notice = await self._inbox.find(notice_id, session)
                # Somebody may have acknowledged or repeated it since it was looked up.
                if notice and notice["repeat_at"] is not None and notice["repeat_at"] <= now:
                    await self._take(notice, now, session)

        await transact(self._core.db, once)

    async def _take(self, notice: Document, now: datetime, session: Session) -> None:
        document = await self._ledger.load(notice["request_id"], session)
        because = why_moot(document, notice["kind"])
        if because is not None:
            await self._inbox.close(notice["_id"], because, session)
            return
        to_role = next_role(notice["roles"])
        again_at = next_repeat(notice["repeat_at"], interval_of(document), now)
        if await self._inbox.repeat(notice, to_role, again_at, session) is not None:
            await self._ledger.append(document, [repeated(notice, to_role)], session)

    async def follow(self, request_ids: Sequence[str], session: Session) -> None:
        """Close what open notices of some requests are moot, and correct what the others show."""
        found = await self._inbox.open_about(request_ids, session)
        for request_id, notices in groupby(found, key=lambda notice: str(notice["request_id"])):
            document = await self._ledger.load(request_id, session)
            for notice in notices:
                because = why_moot(document, notice["kind"])
                if because is not None:
                    await self._inbox.close(notice["_id"], because, session)
            await self._inbox.follow(document, session)

    async def run_notices(self, stop: asyncio.Event) -> None:
        """Repeat what is due until ``stop`` is set; any number of processes may do so."""

        async def work() -> bool:
            return await self.repeat_due() == DUE_BATCH

        await repeat("notices", work, stop, pause_s=PAUSE_S)
