"""A citizen's opt-out on each of their requests, open and past.

A changed preference is noted as pending in its own transaction, and carried over batch by batch:
the first ones by who answers the citizen, the rest by the worker, which also takes up what a dead
process has left. Each batch writes the citizen's document along with the requests, so that another
change of mind, a new report or a second worker at the same moment conflicts and none is missed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bson import ObjectId

from cst_core.ids import uuid7
from cst_intake.citizen_store import CitizenStore
from cst_intake.domain.publicity import wished
from cst_ledger.events import By, Document, NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.looping import repeat

#: Requests in one transaction, batches within an answer, citizens looked up at a time.
BATCH = 20
AT_ONCE = 5
CITIZENS_AT_ONCE = 100
#: Pause between looks when nothing is pending, in wall seconds.
PAUSE_S = 1.0


def pending() -> dict[str, Any]:
    """Return the mark of a citizen whose requests have yet to follow their preference."""
    return {"epoch": uuid7(), "after": None}


class VisibilityService:
    """Brings requests in line with what their citizens let the public see."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._ledger = core.ledger("intake")
        self._citizens = CitizenStore(core.db)

    async def carry_over(self, citizen_id: ObjectId, *, batches: int) -> bool:
        """Bring up to ``batches`` batches of a citizen's requests in line; False: more are left."""
        for _ in range(batches):
            if not await self._batch(citizen_id):
                return True
        return False

    async def _batch(self, citizen_id: ObjectId) -> bool:
        """Bring one batch in line; return whether more are left."""
        categories = (await self._core.catalog.get()).categories

        async def once(session: Session) -> bool:
            citizen = await self._citizens.find(citizen_id, session)
            if citizen is None or "visibility_pending" not in citizen:
                return False
            after = citizen["visibility_pending"]["after"]
            page = await self._citizens.requests_after(citizen_id, after, BATCH, session)
            for document in page:
                change = _change(document, wished(document, categories, citizen))
                await self._ledger.append(document, change, session)
            if len(page) < BATCH:
                await self._citizens.no_longer_pending(citizen_id, session)
                return False
            mark = {"visibility_pending.after": page[-1]["_id"]}
            await self._citizens.change(citizen_id, mark, session)
            return True

        return await transact(self._core.db, once)

    async def carry_over_pending(self) -> bool:
        """Bring pending citizens' requests in line; return whether there were any."""
        citizens = await self._citizens.pending(CITIZENS_AT_ONCE)
        for citizen_id in citizens:
            await self.carry_over(citizen_id, batches=AT_ONCE)
        return bool(citizens)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry over what is pending until ``stop`` is set; any number of processes may do so."""
        await repeat("visibility", self.carry_over_pending, stop, pause_s=PAUSE_S)


def _change(document: Document, public: str) -> list[NewEvent]:
    if document["public"] == public:
        return []
    by = By("citizen", str(document["citizen_ref"]["citizen_id"]))
    meta = {"from_public": document["public"], "to_public": public}
    return [NewEvent("visibility_changed", by, changes={"public": public}, meta=meta)]
