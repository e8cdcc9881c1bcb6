"""What could not be handled, by every consumer: parked requests, and records of nobody's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from app.registry import WORKERS
from cst_bus.dead_letter_notes import DeadLetterNotes, Decision, Note
from cst_bus.dead_letter_topic import DeadLetter, read_dead_letters
from cst_bus.marks import Mark, Parked
from cst_bus.parking import Outcome, Parking
from cst_bus.topics_admin import physical
from cst_contracts.topics import TOPICS
from cst_core.errors import InvalidInput, NotFound
from cst_process.core import Core

State = Literal["parked", "open", "settled", "discarded"]

ID_FORMS = "consumer/request_id of a parked request, or topic/partition/offset of a record"


@dataclass(frozen=True, slots=True)
class Pair:
    """A request that a consumer has parked."""

    consumer: str
    request_id: str
    mark: Mark
    why: Parked

    @property
    def id(self) -> str:
        """``consumer/request_id``, which commands take."""
        return f"{self.consumer}/{self.request_id}"


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of a dead-letter topic, what became of it, and the note if it was discarded."""

    record: DeadLetter
    state: State
    note: Note | None


class Desk:
    """Parked requests of every consumer, and the records of every dead-letter topic."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._notes = DeadLetterNotes(core.db)
        self._parkings = {
            sub.handler.name: Parking(
                core.db, core.settings.city, sub.handler, marks=sub.marks, chunk=sub.chunk
            )
            for worker in WORKERS.values()
            for sub in worker.build(core).subscriptions
        }

    def parking(self, consumer: str) -> Parking:
        """Return a consumer's parked requests; ``InvalidInput`` where there is no such consumer."""
        if consumer not in self._parkings:
            known = ", ".join(sorted(self._parkings))
            raise InvalidInput(f"{consumer!r} is not a consumer; allowed: {known}")
        return self._parkings[consumer]

    async def pairs(self, consumer: str | None = None) -> AsyncIterator[Pair]:
        """Yield what is parked, of one consumer or of all."""
        for name in [consumer] if consumer else sorted(self._parkings):
            async for request_id, mark in self.parking(name).parked():
                if mark.parked is not None:
                    yield Pair(name, request_id, mark, mark.parked)

    async def pair(self, consumer: str, request_id: str) -> Pair:
        """Return one pair; ``NotFound`` where it is not parked."""
        mark = await self.parking(consumer).mark(request_id)
        if mark.parked is None:
            raise NotFound(f"{consumer}/{request_id} is not parked; `cst dlq list` shows what is")
        return Pair(consumer, request_id, mark, mark.parked)

    async def retry(self, pair: Pair) -> Outcome:
        """Handle what waits; raises as ``Parking.retry``."""
        return await self.parking(pair.consumer).retry(pair.request_id)

    async def discard(self, pair: Pair, decision: Decision) -> Outcome:
        """Skip what the request was parked for and go on; raises as ``Parking.discard``."""
        return await self.parking(pair.consumer).discard(pair.request_id, decision)

    async def letters(self) -> AsyncIterator[Letter]:
        """Yield every record of the dead-letter topics with what became of it."""
        notes = await self._notes.all()
        parked = {pair.id async for pair in self.pairs()}
        for topic in (topic for topic in TOPICS if topic.dead_letter):
            name = physical(topic.dlq, self._core.settings.topic_prefix)
            async for record in read_dead_letters(self._core.settings.kafka, name):
                yield _judged(record, parked, notes)

    async def letter(self, letter_id: str) -> Letter:
        """Return one record; ``NotFound`` where no topic has it (any more)."""
        async for letter in self.letters():
            if letter.record.id == letter_id:
                return letter
        raise NotFound(f"{letter_id} is not in a dead-letter topic; `cst dlq list` shows what is")

    async def skipped_events(self) -> list[Note]:
        """Return the notes on events that were skipped, ``consumer/request_id@seq``."""
        return [note for note in (await self._notes.all()).values() if note.id.count("/") == 1]

    async def put_aside(self, letter: DeadLetter, decision: Decision) -> None:
        """Note that nobody needs to look at a record any more."""
        await self._notes.discard(letter.note_id, decision, None)


def split_id(which: str) -> tuple[str, str] | None:
    """Return (consumer, request id) of a parked request's id, None for a record's.

    Raises:
        InvalidInput: it is neither.
    """
    match which.split("/"):
        case [consumer, request_id] if consumer and request_id:
            return consumer, request_id
        case [topic, partition, offset] if topic and partition.isdecimal() and offset.isdecimal():
            return None
    raise InvalidInput(f"{which!r} is not an ID; it must be {ID_FORMS}")


def _judged(record: DeadLetter, parked: set[str], notes: dict[str, Note]) -> Letter:
    if record.request_id is not None:
        waits = f"{record.consumer}/{record.request_id}" in parked
        return Letter(record, "parked" if waits else "settled", None)
    note = notes.get(record.note_id)
    return Letter(record, "open" if note is None else "discarded", note)
