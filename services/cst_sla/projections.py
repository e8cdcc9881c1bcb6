"""The projections ``clocks`` and ``kpis`` from the ledger.

A request's clock and KPIs follow from its document, which is the fold of its events (``cst audit
verify`` proves that). Nothing is summed over requests, so what is wrong is corrected in place, some
requests in one transaction. It reads and writes at one instant, and a consumer or the scheduler
that writes the same clock or log meanwhile conflicts with it, so that one of the two is repeated on
what the other has left. Killed between two transactions it leaves the rest as it was; run twice at
once, the second finds nothing to do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from cst_ledger.events import Document
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_process.projection import Differences, difference
from cst_sla.domain.clock import clock_of
from cst_sla.domain.kpis import kpis_of
from cst_sla.repository import SlaRepository

#: Requests looked at in one transaction.
BATCH = 100

#: A row's key, and who has claimed it.
_NOT_OF_THE_CLOCK = frozenset({"_id", "claimed_by", "claimed_until"})

Row = dict[str, Any]
#: By request id: (what is there, what should be); None where there is, or should be, nothing.
Wrong = Mapping[str, tuple[Row | None, Row | None]]


class Kind(Protocol):
    """A row a request: what it should be, what it is, and how it is written."""

    async def right(self, document: Document) -> Row | None: ...

    async def found(self, request_ids: Sequence[str], session: Session) -> dict[str, Row]: ...

    async def save(self, rows: Mapping[str, Row], session: Session) -> None: ...

    async def drop(self, request_ids: Sequence[str], session: Session) -> None: ...

    def without_request(self) -> AsyncIterator[list[str]]: ...

    async def count(self) -> int: ...


class Clocks:
    """``sla_clocks``."""

    def __init__(self, repository: SlaRepository) -> None:
        self._repository = repository
        self.save = repository.put_clocks
        self.drop = repository.drop_clocks
        self.count = repository.count_clocks

    async def right(self, document: Document) -> Row | None:
        return clock_of(document)

    async def found(self, request_ids: Sequence[str], session: Session) -> dict[str, Row]:
        clocks = await self._repository.clocks(request_ids, session)
        return {
            key: {name: value for name, value in row.items() if name not in _NOT_OF_THE_CLOCK}
            for key, row in clocks.items()
        }

    def without_request(self) -> AsyncIterator[list[str]]:
        return self._repository.clocks_without_request(BATCH)


class Kpis:
    """``computed_kpis`` in bucket 0 of a request's log."""

    def __init__(self, repository: SlaRepository) -> None:
        self.found = repository.kpis
        self.save = repository.put_kpis
        self.count = repository.count_kpis

    async def right(self, document: Document) -> Row | None:
        return kpis_of(document)

    async def drop(self, request_ids: Sequence[str], session: Session) -> None:
        """Every request has KPIs, and they lie in its own log."""

    async def without_request(self) -> AsyncIterator[list[str]]:
        return
        yield


class InPlace:
    """Checks and corrects one kind of rows."""

    def __init__(self, core: Core, repository: SlaRepository, kind: Kind) -> None:
        self._db = core.db
        self._repository = repository
        self._kind = kind

    async def rebuild(self) -> int:
        """Correct what is wrong; return how many rows there are afterwards."""
        async for batch in self._batches():
            await self._look(batch, correct=True)
        return await self._kind.count()

    async def check(self) -> list[str]:
        """Return a line for each row that is not what the ledger says; see ``Projection``."""
        found = Differences()
        async for batch in self._batches():
            for request_id, (is_now, right) in (await self._look(batch, correct=False)).items():
                found.add(f"{request_id}: {difference(is_now, right)}")
        return found.lines()

    async def _batches(self) -> AsyncIterator[list[str]]:
        async for batch in self._repository.request_ids(BATCH):
            yield batch
        async for batch in self._kind.without_request():
            yield batch

    async def _look(self, batch: Sequence[str], *, correct: bool) -> Wrong:
        async def once(session: Session) -> Wrong:
            wrong = await self._wrong(batch, session)
            if correct:
                rows = {key: right for key, (_, right) in wrong.items() if right is not None}
                await self._kind.save(rows, session)
                await self._kind.drop([key for key in wrong if key not in rows], session)
            return wrong

        return await transact(self._db, once)

    async def _wrong(self, batch: Sequence[str], session: Session) -> Wrong:
        documents = await self._repository.requests(batch, session)
        right = {doc["request_id"]: await self._kind.right(doc) for doc in documents}
        found = await self._kind.found(batch, session)
        pairs = {key: (found.get(key), right.get(key)) for key in batch}
        return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
