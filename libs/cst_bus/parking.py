"""Parked requests: what waits, and how it goes on from the ledger.

The dead-letter topic tells the story, the ledger is the truth: it has every event, in order, also
when a broker has forgotten its dead letters. The transaction that lets a request's later events
through again is one that has seen the ledger to its end; it writes the mark, and so does a consumer
that passes an event by, so no event falls between the two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from cst_bus.chunks import CHUNK
from cst_bus.dead_letter_notes import DeadLetterNotes, Decision
from cst_bus.dead_letters import reason_of
from cst_bus.marks import CollectionMarks, Mark, Marks
from cst_bus.processor import Handler
from cst_contracts.events import RequestEvent
from cst_core.errors import Conflict
from cst_ledger.chain import canonical
from cst_ledger.events import Document
from cst_ledger.ledger import LOGS, REQUESTS
from cst_ledger.wire import cloud_event
from cst_mongo.client import Database, Session
from cst_mongo.transactions import is_transient, transact


class StillParked(Conflict):
    """A waiting event fails again; those before it are handled, it and later ones wait."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many events had their effect, and the ``seq`` of the one that was skipped."""

    handled: int = 0
    skipped: int | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """What one transaction did; ``last`` when the request is parked no more."""

    handled: int
    last: bool
    skipped: int | None = None


class Parking:
    """One consumer's parked requests.

    Args:
        city: name of the city, part of each event's source.
        marks: where the consumer keeps its marks; None for ``consumer_marks``.
        chunk: events in one transaction at most.
    """

    def __init__(
        self,
        db: Database,
        city: str,
        handler: Handler,
        *,
        marks: Marks | None = None,
        chunk: int = CHUNK,
    ) -> None:
        self._db = db
        self._city = city
        self._handler = handler
        self._marks = marks or CollectionMarks(db, handler.name)
        self._notes = DeadLetterNotes(db)
        self._chunk = chunk

    def parked(self) -> AsyncIterator[tuple[str, Mark]]:
        """Yield every parked request with its mark."""
        return self._marks.parked_rows()

    async def mark(self, request_id: str, session: Session | None = None) -> Mark:
        """Return a request's mark; one without any for what the consumer has not met."""
        return (await self._marks.load([request_id], session)).get(request_id, Mark())

    async def waiting(self, request_id: str, mark: Mark) -> list[Document]:
        """Return the stored events that the consumer has yet to handle, without their facts."""
        shown = dict.fromkeys(("seq", "type", "at", "event_id", "service"), 1)
        return await self._later(request_id, mark.seq, None, [{"$project": shown}])

    async def count_waiting(self, request_id: str, mark: Mark) -> int:
        """Return how many stored events the consumer has yet to handle."""
        counted = await self._later(request_id, mark.seq, None, [{"$count": "n"}])
        return int(counted[0]["n"]) if counted else 0

    async def retry(self, request_id: str) -> Outcome:
        """Handle what waits, in order, and let later events through.

        Safe beside the consumer itself and beside another retry; nothing is left to do where the
        request is not parked (any more).

        Raises:
            StillParked: an event fails again.
            pymongo.errors.PyMongoError: the database is in trouble; what was handled stays so.
        """
        return await self._go_on(request_id, None, None)

    async def discard(self, request_id: str, decision: Decision) -> Outcome:
        """Skip the event that the request was parked for, then go on as ``retry``.

        Where it was parked for a record that nobody could read, no event is known to be at fault
        and none is skipped. A second time there is nothing left to skip.

        Raises: as ``retry``; the event skipped stays so.
        """
        parked = (await self.mark(request_id)).parked
        skip = None if parked is None else parked.seq
        return await self._go_on(request_id, skip, decision)

    async def _go_on(self, request_id: str, skip: int | None, decision: Decision | None) -> Outcome:
        done, size = Outcome(), self._chunk
        while True:
            try:
                step = await self._step(request_id, size, skip, decision)
            except Exception as error:
                if is_transient(error):
                    raise
                if size > 1:
                    size = 1  # one by one, so that all before the one that fails are handled
                    continue
                raise await self._failed(request_id, skip, error) from error
            skipped = done.skipped if step.skipped is None else step.skipped
            done = Outcome(done.handled + step.handled, skipped)
            if step.last:
                return done

    async def _step(
        self, request_id: str, size: int, skip: int | None, decision: Decision | None
    ) -> _Step:
        """Handle up to ``size`` events in one transaction, and unpark where no more wait."""

        async def once(session: Session) -> _Step:
            mark = await self.mark(request_id, session)
            if mark.parked is None:
                return _Step(0, last=True)
            stored = await self._later(request_id, mark.seq, session, [{"$limit": size + 1}])
            batch, last = stored[:size], len(stored) <= size
            skipped = skip if any(event["seq"] == skip for event in batch) else None
            if skipped is not None and decision is not None:
                await self._marks.skip({request_id: skipped}, session)
                note = f"{self._handler.name}/{request_id}@{skipped}"
                await self._notes.discard(note, decision, session)
            events = [self._read(event) for event in batch if event["seq"] != skipped]
            await self._handle(request_id, events, session)
            if last:
                await self._marks.unpark(request_id, session)
            return _Step(len(events), last, skipped)

        return await transact(self._db, once)

    async def _handle(
        self, request_id: str, events: Sequence[RequestEvent], session: Session
    ) -> None:
        if events:
            await self._handler.handle(events, session)
            await self._marks.save({request_id: events[-1].seq}, session)

    async def _failed(self, request_id: str, skip: int | None, error: Exception) -> StillParked:
        """Note what the first waiting event failed with, unless another retry got past it."""
        reason = reason_of(error)

        async def say(session: Session) -> int | None:
            mark = await self.mark(request_id, session)
            if mark.parked is None:
                return None
            rest: list[dict[str, Any]] = [{"$match": {"seq": {"$ne": skip}}}, {"$limit": 1}]
            first = await self._later(request_id, mark.seq, session, rest)
            seq = first[0]["seq"] if first else None
            await self._marks.park(request_id, reason, session, seq=seq)
            return seq

        seq = await transact(self._db, say)
        where = "an event" if seq is None else f"event {seq}"
        return StillParked(f"{where} of {request_id} fails again, it stays parked: {reason}")

    async def _later(
        self,
        request_id: str,
        seq: int,
        session: Session | None,
        rest: Sequence[dict[str, Any]],
    ) -> list[Document]:
        """Return the stored events after ``seq`` that the handler wants, as ``rest`` makes them."""
        requests, logs = self._db[REQUESTS.name], self._db[LOGS.name]
        request = await requests.find_one({"request_id": request_id}, {"_id": 1}, session=session)
        if request is None:
            return []
        wanted = {"seq": {"$gt": seq}, "type": {"$in": sorted(self._handler.types)}}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"request_id": request["_id"], "last_seq": {"$gt": seq}}},
            {"$sort": {"bucket": 1}},
            {"$unwind": "$event_stream"},
            {"$replaceRoot": {"newRoot": "$event_stream"}},
            {"$match": wanted},
            *rest,
        ]
        cursor = await logs.aggregate(pipeline, session=session)
        return await cursor.to_list()

    def _read(self, stored: Document) -> RequestEvent:
        """Return a stored event as a consumer reads it from its topic."""
        event = RequestEvent.model_validate_json(canonical(cloud_event(stored, self._city)))
        event.typed()
        return event
