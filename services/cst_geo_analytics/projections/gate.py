"""The gate between the live consumers and the swap at the end of a rebuild.

Sums are right as a whole or not at all, so a rebuild makes new collections beside the live ones and
swaps them by renaming. Between its last look at the ledger and the last rename no consumer may
write: what it wrote would be lost with the old collections, though its offset is committed.

Every consumer's transaction passes the gate: it writes one of ``SLOTS`` documents, chosen anew each
time, so that consumers rarely meet in one. Closing writes all of them. A transaction that has
passed holds its slot until it has ended, and closing waits for it; one that began before and comes
later conflicts, is repeated, and finds the gate closed. So when closing returns, whatever consumers
handled is committed, and none commits more.

The state lies in one document, which every step changes under the epoch of the rebuilder's lease::

    open --close--> closed --commit--> swapping (staged: the new collections' suffix) --> open

- A slot is closed when it names the epoch of a gate that is not open. So one write opens the gate,
  and slots written late, by a rebuilder that was paused and is nobody any more, mean nothing.
- ``closed`` and the rebuilder gone: nothing was swapped; reopen, under a newer epoch, which refuses
  the old one's ``commit``.
- ``swapping`` and the rebuilder gone: the new collections are complete; finish. Renaming takes the
  staged name away, so whoever comes second (or wakes up late) finds nothing to rename.
- The rebuilder is gone when its lease can be had. Every geo worker looks (``keep_open``), and so
  does the next rebuild: a process may die at any line, and the gate opens again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

import structlog
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import OperationFailure

from cst_core.errors import Conflict
from cst_ledger.events import Document
from cst_mongo.client import Database, Session
from cst_mongo.indexes import CollectionSpec
from cst_mongo.leases import Leases, holder_name
from cst_mongo.transactions import TryLater, is_transient

log = structlog.get_logger(__name__)

GATES = CollectionSpec("projection_gates")
SLOTS = 64
#: Wall seconds between a worker's looks at the gate.
LOOK_S = 2.0
_NAMESPACE_NOT_FOUND = 26


class Gate:
    """The gate of one projection, ``name``, whose swap replaces ``collections``."""

    def __init__(self, db: Database, name: str, collections: Sequence[str], leases: Leases) -> None:
        self._db = db
        self._gates = db[GATES.name]
        self._name = name
        self._collections = collections
        self._leases = leases

    @property
    def lease_name(self) -> str:
        return f"projection:{self._name}"

    async def pass_through(self, session: Session) -> None:
        """Let a consumer's transaction on; ``TryLater`` while the gate is closed."""
        slot = await self._gates.find_one_and_update(
            {"_id": f"{self._name}:{random.randrange(SLOTS)}"},
            {"$inc": {"passes": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        assert slot is not None  # an upsert always returns a document
        if slot.get("closed_by") is None:
            return
        gate = await self._gates.find_one({"_id": self._name}, session=session)
        if gate is not None and gate["state"] != "open" and gate["epoch"] == slot["closed_by"]:
            raise TryLater(f"the projection {self._name} is being swapped for a rebuilt one")
        # It means nothing any more; without it the next one need not look at the gate.
        await self._gates.update_one(
            {"_id": slot["_id"]}, {"$unset": {"closed_by": 1}}, session=session
        )

    async def state(self) -> Document:
        """Return {state, epoch, staged}."""
        gate = await self._gates.find_one_and_update(
            {"_id": self._name},
            {"$setOnInsert": {"state": "open", "epoch": 0, "staged": None}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert gate is not None  # an upsert always returns a document
        return gate

    async def version(self) -> str | None:
        """Return what changes with every committed change of the projection, and with each swap.

        Who keeps something that was made of the projection asks before making it, and again before
        using it. None while a swap is under way: old and new collections are read side by side.
        """
        wanted = [self._name, *(f"{self._name}:{n}" for n in range(SLOTS))]
        group = {
            "_id": None,
            "passes": {"$sum": "$passes"},
            "epoch": {"$max": "$epoch"},
            "swaps": {"$max": "$swaps"},
            "swapping": {"$max": {"$eq": ["$state", "swapping"]}},
        }
        pipeline: list[Document] = [{"$match": {"_id": {"$in": wanted}}}, {"$group": group}]
        async for found in await self._gates.aggregate(pipeline):
            parts = (found[name] or 0 for name in ("swaps", "epoch", "passes"))
            return None if found["swapping"] else ".".join(map(str, parts))
        return "0.0.0"

    async def claim(self, epoch: int) -> None:
        """Bring to its end what a dead rebuilder left, and refuse every older epoch from here on.

        Only for the lease's holder, at its ``epoch``.
        """
        await self.finish()
        await self._gates.update_one(
            {"_id": self._name, "state": {"$ne": "swapping"}, "epoch": {"$lt": epoch}},
            {"$set": {"state": "open", "epoch": epoch}},
        )

    async def close(self, epoch: int) -> None:
        """Close it; returns when no consumer's transaction is under way any more.

        Raises:
            Conflict: a newer epoch has claimed the gate.
        """
        await self._step("open", epoch, state="closed")
        # The greatest stays: a paused rebuilder that wakes up here can't undo its successor's.
        slots = [
            UpdateOne({"_id": f"{self._name}:{n}"}, {"$max": {"closed_by": epoch}}, upsert=True)
            for n in range(SLOTS)
        ]
        await self._gates.bulk_write(slots, ordered=False)

    async def commit(self, epoch: int, staged: str) -> None:
        """Decide for the collections with the suffix ``staged``; from here on they will be live.

        Raises:
            Conflict: the gate was reopened meanwhile, by somebody who took us for dead.
        """
        await self._step("closed", epoch, state="swapping", staged=staged)

    async def reopen(self, epoch: int) -> None:
        """Open a gate that ``epoch`` closed, with nothing swapped."""
        await self._gates.update_one(
            {"_id": self._name, "state": "closed", "epoch": epoch}, {"$set": {"state": "open"}}
        )

    async def _step(self, expected: str, epoch: int, **changes: str) -> None:
        wanted = {"_id": self._name, "state": expected, "epoch": epoch}
        result = await self._gates.update_one(wanted, {"$set": changes})
        if result.matched_count != 1:
            raise Conflict(f"{self.lease_name}: the lease was lost, another process goes on")

    async def finish(self) -> None:
        """Rename what is still staged, then open; does nothing unless a swap is under way."""
        gate = await self.state()
        if gate["state"] != "swapping":
            return
        for name in self._collections:
            await self._rename(f"{name}{gate['staged']}", name)
        await self._gates.update_one(
            {"_id": self._name, "state": "swapping", "staged": gate["staged"]},
            {"$set": {"state": "open", "staged": None}, "$inc": {"swaps": 1}},
        )

    async def _rename(self, staged: str, live: str) -> None:
        try:
            await self._db[staged].rename(live, dropTarget=True)
        except OperationFailure as error:
            if error.code != _NAMESPACE_NOT_FOUND:  # renamed already
                raise

    async def keep_open(self, stop: asyncio.Event) -> None:
        """Look until ``stop`` is set whether a dead rebuilder has left the gate closed."""
        while not stop.is_set():
            try:
                await self._relieve()
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("gate: database unreachable", error=str(error)[:200])
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)

    async def _relieve(self) -> None:
        if (await self.state())["state"] == "open":
            return
        lease = await self._leases.acquire(self.lease_name, holder_name())
        if lease is not None:
            log.warning("a rebuild has died; opening its gate", projection=self._name)
            await self.claim(lease.epoch)
            await self._leases.release(lease)
