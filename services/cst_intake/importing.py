"""Import of history: rows become requests in batches, each batch one transaction.

Nothing remembers how far an import has come. A source id that is stored is skipped, within the
transaction that stores the others, and the unique index on it has the last word. So an import may
be run again, end at any moment, or run beside another one, and adds nothing twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pymongo.errors import BulkWriteError

from cst_core.ids import request_number
from cst_drafts import number_series
from cst_intake.domain.imports import (
    Format,
    History,
    NumberedRow,
    Reference,
    RowProblem,
    imported_event,
)
from cst_intake.repository import IntakeRepository
from cst_ledger.events import NewEvent
from cst_mongo.client import Session
from cst_mongo.counters import BlockCounter
from cst_mongo.transactions import transact
from cst_process.core import Core

#: Batches under way at a time: while one waits for the database, the next is made ready.
IN_FLIGHT = 3
#: How often a batch is tried while another import stores the same rows.
ATTEMPTS = 10
#: How many request numbers are taken at a time.
BLOCK = 100
_DUPLICATE_KEY = 11000

Key = tuple[str, str]
Entry = tuple[int, History]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not imported, and why."""

    line: int
    problem: RowProblem


@dataclass(slots=True)
class Tally:
    """What became of the rows so far; ``known`` were stored by an earlier import."""

    read: int = 0
    imported: int = 0
    known: int = 0
    rejected: int = 0


@dataclass(slots=True)
class _Outcome:
    imported: int = 0
    known: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Importer:
    """Imports one file.

    Attributes:
        tally: how far it has come, also when it failed.
    """

    def __init__(
        self,
        core: Core,
        fmt: Format,
        reference: Reference,
        *,
        reject: Callable[[Rejected], None],
        progress: Callable[[Tally], None],
    ) -> None:
        """Make ready.

        Args:
            core: of this process.
            fmt: how rows are read.
            reference: the city that they refer to.
            reject: called with every row that cannot be imported.
            progress: called after each batch.
        """
        self.tally = Tally()
        self._db = core.db
        self._format = fmt
        self._reference = reference
        self._reject = reject
        self._progress = progress
        self._ledger = core.ledger("intake")
        self._new_rules = core.new_rules
        self._repository = IntakeRepository(core.db)
        self._numbers = _Numbers(core.counter)
        # Of two equal ids the first row wins, also while its batch is not stored yet.
        self._in_flight = deque[Collection[Key]](maxlen=IN_FLIGHT)

    async def run(self, rows: Iterable[NumberedRow], *, batch: int) -> None:
        """Import rows as ``read_table`` gives them, ``batch`` in a transaction.

        Raises:
            PyMongoError: the database failed; what is stored is skipped by the next run.
        """
        running = deque[asyncio.Task[_Outcome]]()
        try:
            for chunk in _chunks(rows, batch):
                if len(running) == IN_FLIGHT:
                    self._settle(await running.popleft())
                running.append(asyncio.create_task(self._import(chunk)))
        finally:
            # What has begun is ended and counted, whatever went wrong beside it.
            ended = await asyncio.gather(*running, return_exceptions=True)
            for outcome in ended:
                if isinstance(outcome, _Outcome):
                    self._settle(outcome)
        for outcome in ended:
            if isinstance(outcome, BaseException):
                raise outcome

    def _settle(self, outcome: _Outcome) -> None:
        for row in sorted(outcome.rejected, key=lambda row: row.line):
            self._reject(row)
        self.tally.read += outcome.imported + outcome.known + len(outcome.rejected)
        self.tally.imported += outcome.imported
        self.tally.known += outcome.known
        self.tally.rejected += len(outcome.rejected)
        self._progress(self.tally)

    async def _import(self, chunk: Sequence[NumberedRow]) -> _Outcome:
        entries, rejected = self._read(chunk)
        outcome = await self._store(entries) if entries else _Outcome()
        outcome.rejected += rejected
        return outcome

    def _read(self, chunk: Sequence[NumberedRow]) -> tuple[list[Entry], list[Rejected]]:
        entries: dict[Key, Entry] = {}
        rejected: list[Rejected] = []
        for line, row in chunk:
            try:
                if isinstance(row, RowProblem):
                    raise row
                history = self._format.read(row, self._reference)
                if any(history.key in keys for keys in (entries, *self._in_flight)):
                    raise self._repeated(history)
            except RowProblem as problem:
                rejected.append(Rejected(line, problem))
            else:
                entries[history.key] = line, history
        self._in_flight.append(entries.keys())
        return list(entries.values()), rejected

    def _repeated(self, history: History) -> RowProblem:
        reason = "stands in an earlier row of this file, too"
        return RowProblem(self._format.id_column, history.source_id, reason)

    async def _store(self, entries: Sequence[Entry]) -> _Outcome:
        attempts = 0
        while True:
            try:
                return await transact(self._db, lambda session: self._write(entries, session))
            except BulkWriteError as error:
                # Another batch or import was first with a row: the next look finds it stored.
                attempts += 1
                if not _is_duplicate(error) or attempts == ATTEMPTS:
                    raise

    async def _write(self, entries: Sequence[Entry], session: Session) -> _Outcome:
        """Store what is not stored yet; runs again when the transaction has to be repeated."""
        outcome, fresh = _Outcome(), list[tuple[str, NewEvent]]()
        known, rules = await self._known(entries, session), await self._new_rules()
        for line, history in entries:
            request_id = known.get(history.key)
            if request_id is None:
                number = await self._numbers.next(history.year)
                fresh.append((number, imported_event(history, rules)))
            elif self._numbers.is_ours(request_id):
                outcome.rejected.append(Rejected(line, self._repeated(history)))
            else:
                outcome.known += 1
        await self._ledger.import_many(fresh, session)
        outcome.imported = len(fresh)
        return outcome

    async def _known(self, entries: Sequence[Entry], session: Session) -> dict[Key, str]:
        """Return the request ids of those that are stored."""
        by_system: dict[str, list[str]] = {}
        for _, history in entries:
            by_system.setdefault(history.system, []).append(history.source_id)
        return {
            (system, source_id): request_id
            for system, ids in by_system.items()
            for source_id, request_id in (
                await self._repository.imported_ids(system, ids, session)
            ).items()
        }


class _Numbers:
    """Request ids by year, taken in blocks; knows those that this import has taken."""

    def __init__(self, counter: BlockCounter) -> None:
        self._counter = counter
        self._taken: dict[int, list[range]] = {}
        self._free: dict[int, Iterator[int]] = {}
        self._lock = asyncio.Lock()

    async def next(self, year: int) -> str:
        """Return an unused request id of ``year``."""
        number = self._draw(year)
        if number is None:
            async with self._lock:
                while (number := self._draw(year)) is None:
                    block = await self._counter.take(number_series(year), BLOCK)
                    self._taken.setdefault(year, []).append(block)
                    self._free[year] = iter(block)
        return request_number(year, number)

    def _draw(self, year: int) -> int | None:
        return next(self._free.get(year, iter(())), None)

    def is_ours(self, request_id: str) -> bool:
        """Tell whether this import gave out ``request_id``."""
        _, year, number = request_id.split("-")
        return any(int(number) in block for block in self._taken.get(int(year), ()))


def _chunks(rows: Iterable[NumberedRow], size: int) -> Iterator[list[NumberedRow]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _is_duplicate(error: BulkWriteError) -> bool:
    failures = (error.details or {}).get("writeErrors", [])
    return any(failure["code"] == _DUPLICATE_KEY for failure in failures)
