"""Duplicates follow their master: through the steps that their own rules allow, as the system's."""

from __future__ import annotations

from collections.abc import Sequence

from cst_core.errors import InvalidInput, MissingFields, TransitionRefused
from cst_ledger.events import Document
from cst_ledger.ledger import Ledger
from cst_mongo.client import Session
from cst_process.core import Core
from cst_roster.roster import Roster
from cst_workflow.domain.following import following_step, way


class Following:
    """Brings duplicates to where their master is."""

    def __init__(self, core: Core, ledger: Ledger) -> None:
        self._ledger = ledger
        self._roster = Roster(core.db)

    async def follow_all(self, master_ids: Sequence[str], session: Session) -> None:
        """Bring along every duplicate of some masters; what its rules do not allow stays."""
        masters = await self._ledger.load_many(master_ids, session)
        for master in masters.values():
            linked = master["duplicates"]["linked_duplicates"]
            for duplicate in (await self._ledger.load_many(linked, session)).values():
                await self.follow(duplicate, master, session)

    async def follow(self, duplicate: Document, master: Document, session: Session) -> Document:
        """Bring one duplicate along; return it afterwards."""
        steps = way(self._ledger.rules.of(duplicate), duplicate["status"], master)
        if not steps:
            return duplicate
        holder = master["assignment"]["assigned_agent_id"]
        agent = await self._roster.find(holder, session) if holder is not None else None
        for step in steps:
            event = following_step(step, duplicate, master, agent)
            try:
                duplicate = await self._ledger.append(duplicate, [event], session)
            except (TransitionRefused, MissingFields, InvalidInput):
                # Its rules ask for what its master does not give; nothing was written of the step.
                break
        return duplicate
