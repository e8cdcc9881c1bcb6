"""Closing by itself: what was resolved, and nobody disputed within the city's ``dispute_days``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from cst_core.errors import CstError
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_workflow.repository import WorkflowRepository

log = structlog.get_logger(__name__)

CLOSING = By("system", "closing")
RULE = "dispute_days"
#: Requests looked up at a time, and closed in one transaction.
DUE_BATCH = 500
CHUNK = 20
#: Pause where nothing is due, in wall seconds.
PAUSE_S = 1.0


class ClosingService:
    """Closes what nobody disputed. Duplicates follow their master, so masters only are closed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._repository = WorkflowRepository(core.db)

    async def close_due(self) -> int:
        """Close what is due by now; return how many requests were closed."""
        days = (await self._core.catalog.get()).city.dispute_days
        resolved_by = self._core.clock.now() - timedelta(days=days)
        due = await self._repository.due_to_close(resolved_by, DUE_BATCH)
        closed = 0
        for start in range(0, len(due), CHUNK):
            closed += await self._close(due[start : start + CHUNK], resolved_by)
        return closed

    async def _close(self, request_ids: Sequence[str], resolved_by: datetime) -> int:
        async def once(session: Session) -> int:
            closed = 0
            for request_id in request_ids:
                document = await self._ledger.load(request_id, session)
                if _is_closable(document, resolved_by):
                    closed += await self._take(document, session)
            return closed

        return await transact(self._core.db, once)

    async def _take(self, document: Document, session: Session) -> bool:
        event = NewEvent("closed", CLOSING, changes={"status": "closed"}, meta={"rule": RULE})
        try:
            await self._ledger.append(document, [event], session)
        except CstError as error:  # raised before anything is written; the others are not to wait
            log.error("cannot close", request_id=document["request_id"], error=error.detail)
            return False
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Close what falls due until ``stop`` is set; any number of processes may do so."""

        async def work() -> bool:
            return await self.close_due() == DUE_BATCH

        await repeat("closing", work, stop, pause_s=PAUSE_S)


def _is_closable(document: Document, resolved_by: datetime) -> bool:
    """Tell whether a request is as it was when it was looked up."""
    resolved_at = document["timestamps"]["resolved_at"]
    return (
        document["status"] == "resolved"
        and bool(document["duplicates"]["is_master"])
        and document["dispute"] is None
        and resolved_at is not None
        and bool(resolved_at <= resolved_by)
    )
