"""Batches of events into effects: each once per event, in ``seq`` order per request.

The effect and the mark of a chunk share one transaction. When a chunk fails for good it is taken
apart, so that one poison record holds up nobody else: it goes to the dead letters and its request
is parked, that is, its later records follow it there instead of being applied out of order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import structlog

from cst_bus.chunks import CHUNK, Chunks, Near, Part
from cst_bus.dead_letters import DeadLetters, reason_of
from cst_bus.marks import CollectionMarks, Mark, Marks
from cst_bus.metrics import HANDLED, RETRIED, SECONDS, SKIPPED
from cst_bus.progress import Progress
from cst_bus.reading import Item, Record, Unreadable
from cst_contracts.events import RequestEvent
from cst_mongo.client import Database, Session
from cst_mongo.transactions import is_transient, transact

log = structlog.get_logger(__name__)

#: Waits between attempts at one event that fails, in seconds.
ATTEMPT_WAITS = (0.1, 0.5, 2.0)
MIN_BACKOFF_S = 0.2
MAX_BACKOFF_S = 30.0

T = TypeVar("T")


class Handler(Protocol):
    """A consumer's effect. ``types`` are the short names of the events it wants."""

    name: str
    types: frozenset[str]

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        """Apply ``events`` (in ``seq`` order per request) through ``session`` only.

        It runs again when the transaction has to be repeated.
        """
        ...


@dataclass(slots=True)
class _Sorted:
    """A chunk's items: to be handled, and of parked requests; each request's last ``seq``."""

    fresh: list[Item] = field(default_factory=list)
    parked: list[Item] = field(default_factory=list)
    seqs: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)


class Processor:
    """Applies batches of records through one handler; ``progress`` tells how it is doing.

    Args:
        db: the database.
        handler: the effect.
        dead_letters: where what cannot be handled goes.
        marks: the consumer's marks, where they are not in ``consumer_marks``.
        chunk: events in one transaction at most.
        near: where an event's effect lies, as text that sorts by place. Then a transaction's events
            are near each other, and two workers that catch up seldom write the same documents.
    """

    def __init__(
        self,
        db: Database,
        handler: Handler,
        dead_letters: DeadLetters,
        *,
        marks: Marks | None = None,
        chunk: int = CHUNK,
        near: Near | None = None,
    ) -> None:
        self._db = db
        self._handler = handler
        self._dead = dead_letters
        self._marks = marks or CollectionMarks(db, handler.name)
        self._chunks = Chunks(handler.types, chunk, near)
        self.progress = Progress(handler.name)

    async def process(self, records: Sequence[Record]) -> None:
        """Handle a batch; returns when every record has had its effect or is a dead letter.

        Raises:
            aiokafka.errors.KafkaError: a dead letter could not be sent; the batch has to come
                again.
        """
        self.progress.begin()
        try:
            await self._process(records)
        except Exception as error:
            self.progress.failed(error)
            raise
        finally:
            self.progress.end()

    async def _process(self, records: Sequence[Record]) -> None:
        """Settle one part after the other; each is read while the one before it is settled."""
        settling: asyncio.Task[None] | None = None
        try:
            async for part in self._chunks.of(records):
                if settling is not None:
                    await settling
                settling = asyncio.create_task(self._settle(part))
            if settling is not None:
                await settling
        finally:
            if settling is not None and not settling.done():
                settling.cancel()
                await asyncio.wait([settling])

    async def _settle(self, part: Part) -> None:
        await self._apply(part.items)  # what came before a refused one may be of its request
        if part.refused:
            await self._refuse(*part.refused)

    async def _apply(self, items: Sequence[Item]) -> None:
        if not items:
            return
        try:
            await self._attempt(items)
        except Unsettled as failed:
            await self._apart(items, failed.error)

    async def _attempt(self, items: Sequence[Item]) -> None:
        """Apply a chunk in one transaction; what is of parked requests becomes dead letters.

        Raises:
            Unsettled: it fails, and trying again later would not help.
        """
        attempts = 0

        async def once(session: Session) -> _Sorted:
            nonlocal attempts
            attempts += 1
            return await self._once(items, session)

        try:
            done = await self._insist(once)
        except Exception as error:
            self.progress.failed(error)
            raise Unsettled(error) from error
        self._chunks.adapt(begun_anew=attempts > 1)
        self._count(items, done)
        for item in done.parked:
            await self._dead.send(
                item.record,
                consumer=self._handler.name,
                error="its request is parked",
                request_id=item.event.subject,
            )

    async def _once(self, items: Sequence[Item], session: Session) -> _Sorted:
        marks = await self._marks.load({item.event.subject for item in items}, session)
        chunk = _sort_out(items, marks)
        if chunk.fresh:
            await self._handler.handle([item.event for item in chunk.fresh], session)
            await self._marks.save(chunk.seqs, session)
        # Passing by is a write, lest a retry that unparks the request at the same time have read
        # the ledger before this event: both would commit and nobody would handle it. Now one of
        # the two conflicts and looks again. `passed` that does not grow is no write, and need not
        # be: whoever wrote it did so after every event up to it.
        await self._marks.pass_by(chunk.passed, session)
        return chunk

    def _count(self, items: Sequence[Item], done: _Sorted) -> None:
        name, handled = self._handler.name, len(done.fresh)
        HANDLED.labels(name).inc(handled)
        SKIPPED.labels(name).inc(len(items) - handled - len(done.parked))
        self.progress.succeeded(handled)

    async def _insist(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run a transaction until nothing transient is in its way."""
        backoff = MIN_BACKOFF_S
        while True:
            try:
                with SECONDS.labels(self._handler.name).time():
                    return await transact(self._db, work)
            except Exception as error:
                if not is_transient(error):
                    raise
                self.progress.failed(error)
                log.warning("retrying", consumer=self._handler.name, error=str(error)[:200])
                RETRIED.labels(self._handler.name).inc()
                await asyncio.sleep(min(backoff, MAX_BACKOFF_S))
                backoff = min(backoff * 2, MAX_BACKOFF_S)

    async def _apart(self, items: Sequence[Item], error: Exception) -> None:
        """Apply what failed together half by half, or give up on the one that fails alone."""
        if len(items) > 1:
            await self._apply(items[: len(items) // 2])
            await self._apply(items[len(items) // 2 :])
            return
        for wait in ATTEMPT_WAITS:
            RETRIED.labels(self._handler.name).inc()
            await asyncio.sleep(wait)
            try:
                await self._attempt(items)
            except Unsettled as again:
                error = again.error
            else:
                return
        await self._give_up(items[0], error)

    async def _give_up(self, item: Item, error: Exception) -> None:
        request_id, seq = item.event.subject, item.event.seq
        if await self._park(request_id, error, seq):
            await self._bury(item.record, error, request_id)

    async def _refuse(self, record: Record, error: Unreadable) -> None:
        """Make a dead letter of what cannot be read; its request waits where it may lack it."""
        request_id = error.request_id
        if request_id is not None and not await self._park(request_id, str(error), error.seq):
            request_id = None
        await self._bury(record, str(error), request_id)

    async def _park(self, request_id: str, error: Exception | str, seq: int | None) -> bool:
        """Park a request unless somebody has handled its event ``seq`` meanwhile."""
        reason = reason_of(error)
        return await self._insist(
            lambda session: self._marks.park(request_id, reason, session, seq=seq)
        )

    async def _bury(self, record: Record, error: Exception | str, request_id: str | None) -> None:
        log.error(
            "dead letter",
            consumer=self._handler.name,
            request_id=request_id,
            offset=record.offset,
            error=str(error)[:500],
        )
        name = self._handler.name
        await self._dead.send(record, consumer=name, error=error, request_id=request_id)
        self.progress.succeeded(0)


class Unsettled(Exception):
    """A chunk failed for a reason that time does not heal."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _sort_out(items: Sequence[Item], marks: Mapping[str, Mark]) -> _Sorted:
    """Split a chunk; what was handled before is in neither part."""
    chunk = _Sorted()
    for item in items:
        event = item.event
        mark = marks.get(event.subject, Mark())
        if event.seq <= chunk.seqs.get(event.subject, mark.seq):
            continue
        if mark.parked is not None:
            chunk.parked.append(item)
            chunk.passed[event.subject] = max(event.seq, chunk.passed.get(event.subject, -1))
            continue
        chunk.fresh.append(item)
        chunk.seqs[event.subject] = event.seq
    return chunk
