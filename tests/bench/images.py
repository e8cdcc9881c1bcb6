"""What the images of requests cost: creates and appends with and without them.

``python -m tests.bench.images``. The server keeps an image for each update; a create needs none.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

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

TASKS = 16
NOTE = NewEvent("agent_reserved", By("system", "bench"), meta={"agent_code": "DOT-1"})


class _Writer:
    """Writes requests into one database."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ledger = Ledger(db, "bench", RuleBook.shipped(), Clock())
        self._numbers = itertools.count(1)
        self._made: list[str] = []

    async def create(self, _: int) -> None:
        request_id = f"CST-2026-{next(self._numbers):07d}"
        await transact(self._db, lambda s: self._ledger.create(request_id, created_event(), s))
        self._made.append(request_id)

    async def append(self, number: int) -> None:
        # Each task takes another request, so that none waits for another's.
        request_id = self._made[number % len(self._made)]
        await self._ledger.record(request_id, lambda _: [NOTE])

    def creating(self, count: int) -> Round:
        return lambda: in_parallel(count, TASKS, self.create)

    def appending(self, count: int) -> Round:
        return lambda: in_parallel(count, TASKS, self.append)


async def _run(stack: Endpoints, rows: int) -> None:
    count = max(200, rows // 20)
    async with (
        open_database(stack.mongo_uri, "without_images", app="bench") as without,
        open_database(stack.mongo_uri, "with_images", app="bench") as with_images,
    ):
        await migrate(without, [replace(REQUESTS, post_images=False), LOGS])
        await migrate(with_images, [REQUESTS, LOGS])
        plain, kept = _Writer(without), _Writer(with_images)
        await compare(
            f"create, {count} a round, {TASKS} tasks",
            {"without images": plain.creating(count), "with images": kept.creating(count)},
            rounds_for(rows),
        )
        await compare(
            f"append, {count} a round, {TASKS} tasks",
            {"without images": plain.appending(count), "with images": kept.appending(count)},
            rounds_for(rows),
        )


if __name__ == "__main__":
    run_bench(__doc__, _run)
