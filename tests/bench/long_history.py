"""What a long history costs its next event: appends to requests of 10 and of 5,000 events.

``python -m tests.bench.long_history``. One task, since appends to one request wait for each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.bench.common import Round, compare, in_parallel, rounds_for, run_bench

from cst_core.clock import Clock
from cst_ledger.events import By, NewEvent
from cst_ledger.ledger import LOGS, REQUESTS, Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database, open_database
from cst_mongo.indexes import migrate
from cst_mongo.transactions import transact
from cst_stack import Endpoints
from cst_testkit.factories import created_event

NOTE = NewEvent("agent_reserved", By("system", "bench"), meta={"agent_code": "DOT-1"})
AT_ONCE = 50


class _Histories:
    """Requests with ten events, and one with 5,000."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ledger = Ledger(db, "bench", RuleBook.shipped(), Clock())
        self._numbers = itertools.count(1)

    async def begin(self, events: int) -> str:
        """Create a request with so many events; return its id."""
        request_id = f"CST-2026-{next(self._numbers):07d}"
        await transact(self._db, lambda s: self._ledger.create(request_id, created_event(), s))
        for start in range(1, events, AT_ONCE):
            notes = [NOTE] * min(AT_ONCE, events - start)
            await self._ledger.record(request_id, lambda _, notes=notes: notes)
        return request_id

    def creating(self, count: int) -> Round:
        return lambda: in_parallel(count, 1, lambda _: self.begin(1))

    def appending(self, request_ids: Sequence[str], count: int) -> Round:
        """Append one event at a time, to the requests in turn."""

        async def append(number: int) -> None:
            request_id = request_ids[number % len(request_ids)]
            await self._ledger.record(request_id, lambda _: [NOTE])

        return lambda: in_parallel(count, 1, append)


async def _run(stack: Endpoints, rows: int) -> None:
    count = max(100, rows // 100)
    async with open_database(stack.mongo_uri, "long_history", app="bench") as db:
        await migrate(db, [REQUESTS, LOGS])
        histories = _Histories(db)
        # Each round adds to them: so many that their histories stay short.
        short = [await histories.begin(10) for _ in range(count)]
        long = await histories.begin(5_000)
        await compare(
            f"append of one event, {count} a round",
            {
                "to requests of about 10 events": histories.appending(short, count),
                "to a request of 5,000 events": histories.appending([long], count),
                "create": histories.creating(count),
            },
            rounds_for(rows),
        )


if __name__ == "__main__":
    run_bench(__doc__, _run)
