"""Holding requests and resuming them, by hand and when a hold has run out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from cst_contracts.workflow import HoldCommand, ResumeCommand
from cst_core.clock import to_ms
from cst_http.tokens import Caller
from cst_ledger.events import By, Document
from cst_ledger.ledger import check_version
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat
from cst_roster.roster import Roster
from cst_workflow.domain.holds import HOLDS, check_holdable, has_run_out, held, resumed
from cst_workflow.own_work import check_own_work
from cst_workflow.repository import WorkflowRepository

#: Requests looked up at a time, and resumed in one transaction.
DUE_BATCH = 500
CHUNK = 20
#: Pause where no hold has run out, in wall seconds.
PAUSE_S = 1.0


class HoldService:
    """Stops clocks and starts them again."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("workflow")
        self._roster = Roster(core.db)
        self._repository = WorkflowRepository(core.db)

    async def hold(self, request_id: str, command: HoldCommand, caller: Caller) -> Document:
        """Hold an open request; return it afterwards.

        Raises:
            NotFound, StaleVersion: as the ledger.
            InvalidInput: a reason that its rules do not have, or an end past or too far away.
            Forbidden: not the agent's own work, or a P1 and no supervisor.
            Conflict: it is not open, held already, or a duplicate.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            await check_own_work(self._roster, document, caller, session)
            check_holdable(document, caller.roles)
            now = to_ms(self._core.clock.now())
            event = held(command, self._ledger.rules.of(document), by, now)
            return await self._ledger.append(document, [event], session)

        return await transact(self._core.db, once)

    async def resume(self, request_id: str, command: ResumeCommand, caller: Caller) -> Document:
        """End a hold; return the request afterwards.

        Raises:
            NotFound, StaleVersion: as the ledger.
            Forbidden: not the agent's own work.
            Conflict: it is not held.
        """
        by = By(caller.actor_type, caller.actor_id)

        async def once(session: Session) -> Document:
            document = await self._ledger.load(request_id, session)
            check_version(document, command.expected_version)
            await check_own_work(self._roster, document, caller, session)
            event = resumed(document, by, command.note, to_ms(self._core.clock.now()))
            return await self._ledger.append(document, [event], session)

        return await transact(self._core.db, once)

    async def resume_due(self) -> int:
        """Resume what has been held until now; return how many requests were looked at."""
        due = await self._repository.due_to_resume(self._core.clock.now(), DUE_BATCH)
        for start in range(0, len(due), CHUNK):
            await self._resume(due[start : start + CHUNK])
        return len(due)

    async def _resume(self, request_ids: Sequence[str]) -> None:
        async def once(session: Session) -> None:
            now = to_ms(self._core.clock.now())
            for request_id in request_ids:
                document = await self._ledger.load(request_id, session)
                if has_run_out(document, now):  # nobody has resumed it since it was looked up
                    event = resumed(document, HOLDS, None, now)
                    await self._ledger.append(document, [event], session)

        await transact(self._core.db, once)

    async def run(self, stop: asyncio.Event) -> None:
        """Resume what falls due until ``stop`` is set; any number of processes may do so."""

        async def work() -> bool:
            return await self.resume_due() == DUE_BATCH

        await repeat("holds", work, stop, pause_s=PAUSE_S)
