"""Batches of events into effects: each once per event, in ``seq`` order per request.

The effect and the mark of a chunk share one transaction. When a chunk fails for good it is taken
apart, so that one poison record holds up nobody else: it goes to the dead letters and its request
is parked, that is, its later records follow it there instead of being applied out of order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import structlog
from aiokafka.structs import ConsumerRecord
from pydantic import ValidationError

from cst_bus.dead_letters import DeadLetters
from cst_bus.marks import CollectionMarks, Mark, Marks
from cst_bus.metrics import HANDLED, RETRIED, SECONDS, SKIPPED
from cst_contracts.events import RequestEvent
from cst_mongo.client import Database, Session
from cst_mongo.transactions import is_transient, transact

log = structlog.get_logger(__name__)

#: Events in one transaction at most; much larger ones conflict and stall.
CHUNK = 100
#: Waits between attempts at one event that fails, in seconds.
ATTEMPT_WAITS = (0.1, 0.5, 2.0)
MAX_BACKOFF_S = 30.0

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"


class Handler(Protocol):
    """A consumer's effect. ``types`` are the short names of the events it wants."""

    name: str
    types: frozenset[str]

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        """Apply ``events`` (in ``seq`` order per request) through ``session`` only.

        It runs again when the transaction has to be repeated.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Item:
    record: Record
    event: RequestEvent


class Processor:
    """Applies batches of records through one handler."""

    def __init__(
        self,
        db: Database,
        handler: Handler,
        dead_letters: DeadLetters,
        *,
        marks: Marks | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._db = db
        self._handler = handler
        self._dead = dead_letters
        self._marks: Marks = marks or CollectionMarks(db, handler.name)
        self._chunk = chunk

    async def process(self, records: Sequence[Record]) -> None:
        """Handle a batch; returns when every record has had its effect or is a dead letter."""
        items = [item for record in records if (item := await self._decode(record)) is not None]
        for start in range(0, len(items), self._chunk):
            await self._apply(items[start : start + self._chunk])

    async def _decode(self, record: Record) -> _Item | None:
        """Read a record; None for what the handler does not want or what nobody can read."""
        try:
            event = RequestEvent.model_validate_json(record.value or b"")
            if event.name not in self._handler.types:
                return None
            event.typed()
        except (ValidationError, KeyError) as error:
            await self._give_up(record, (record.key or b"").decode(errors="replace"), error)
            return None
        return _Item(record, event)

    async def _apply(self, items: Sequence[_Item]) -> None:
        try:
            parked = await self._insist(items)
        except Exception as error:
            await self._apart(items, error)
        else:
            await self._pass_by(parked)

    async def _insist(self, items: Sequence[_Item]) -> list[_Item]:
        """Attempt until nothing transient is in the way; return the parked items."""
        backoff = 0.2
        while True:
            try:
                with SECONDS.labels(self._handler.name).time():
                    return await self._attempt(items)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("retrying", consumer=self._handler.name, error=str(error)[:200])
                RETRIED.labels(self._handler.name).inc()
                await asyncio.sleep(min(backoff, MAX_BACKOFF_S))
                backoff = min(backoff * 2, MAX_BACKOFF_S)

    async def _attempt(self, items: Sequence[_Item]) -> list[_Item]:
        """Apply a chunk in one transaction; return the items whose request is parked."""

        async def once(session: Session) -> list[_Item]:
            marks = await self._marks.load({i.event.subject for i in items}, session)
            fresh, parked, seqs = _sort_out(items, marks)
            if fresh:
                await self._handler.handle([item.event for item in fresh], session)
                await self._marks.save(seqs, session)
            HANDLED.labels(self._handler.name).inc(len(fresh))
            SKIPPED.labels(self._handler.name).inc(len(items) - len(fresh) - len(parked))
            return parked

        return await transact(self._db, once)

    async def _apart(self, items: Sequence[_Item], error: Exception) -> None:
        """Apply what failed together one by one, or give up on the one that fails alone."""
        if len(items) > 1:
            for item in items:
                await self._apply([item])
            return
        item = items[0]
        for wait in ATTEMPT_WAITS:
            RETRIED.labels(self._handler.name).inc()
            await asyncio.sleep(wait)
            try:
                parked = await self._insist(items)
            except Exception as again:
                error = again
                continue
            await self._pass_by(parked)
            return
        await self._give_up(item.record, item.event.subject, error)

    async def _pass_by(self, parked: Sequence[_Item]) -> None:
        for item in parked:
            await self._dead.send(
                item.record, consumer=self._handler.name, error="its request is parked"
            )

    async def _give_up(self, record: Record, request_id: str, error: Exception) -> None:
        log.error(
            "dead letter",
            consumer=self._handler.name,
            request_id=request_id,
            offset=record.offset,
            error=str(error)[:500],
        )
        await self._dead.send(record, consumer=self._handler.name, error=error)
        if request_id:
            await transact(self._db, lambda session: self._marks.park(request_id, session))


def _sort_out(
    items: Sequence[_Item], marks: dict[str, Mark]
) -> tuple[list[_Item], list[_Item], dict[str, int]]:
    """Split a chunk into (fresh, parked) and give the new marks; what was handled is dropped."""
    fresh: list[_Item] = []
    parked: list[_Item] = []
    seqs: dict[str, int] = {}
    for item in items:
        event = item.event
        mark = marks.get(event.subject, Mark())
        if event.seq <= seqs.get(event.subject, mark.seq):
            continue
        if mark.parked:
            parked.append(item)
            continue
        fresh.append(item)
        seqs[event.subject] = event.seq
    return fresh, parked, seqs
