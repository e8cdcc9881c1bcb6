"""Numbers: none twice, however many processes and tasks ask at once."""

from __future__ import annotations

import asyncio
import sys

import pytest

from cst_mongo.client import Database
from cst_mongo.counters import BlockCounter

_PROCESS = """
import asyncio, sys
from cst_mongo.client import open_database
from cst_mongo.counters import BlockCounter

async def main(uri, name, count):
    async with open_database(uri, name, app="counter") as db:
        counter = BlockCounter(db, block=7)
        print(*await asyncio.gather(*(counter.next("shared") for _ in range(count))))

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def test_one_process_counts_from_one_without_gap(db: Database) -> None:
    counter = BlockCounter(db, block=3)
    assert [await counter.next("alone") for _ in range(8)] == list(range(1, 9))


async def test_series_are_counted_apart(db: Database) -> None:
    counter = BlockCounter(db)
    assert [await counter.next("requests-2025"), await counter.next("requests-2026")] == [1, 1]


@pytest.mark.parametrize("block", [1, 4, 100])
async def test_tasks_and_clients_at_once_get_no_number_twice(
    db: Database, elsewhere: Database, block: int
) -> None:
    counters = [BlockCounter(db, block=block), BlockCounter(elsewhere, block=block)]
    series = f"together-{block}"
    numbers = await asyncio.gather(*(counters[i % 2].next(series) for i in range(200)))
    assert len(set(numbers)) == 200


async def test_processes_at_once_get_no_number_twice(db: Database, mongo_uri: str) -> None:
    command = [sys.executable, "-c", _PROCESS, mongo_uri, db.name, "50"]

    async def output() -> bytes:
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        return out

    outputs = await asyncio.gather(*(output() for _ in range(3)))
    numbers = [int(text) for out in outputs for text in out.split()]
    assert len(numbers) == len(set(numbers)) == 150


async def test_a_block_taken_for_an_import_is_nobody_elses(db: Database) -> None:
    counter = BlockCounter(db, block=5)
    first = await counter.next("import")
    taken = await counter.take("import", 20)
    later = [await counter.next("import") for _ in range(10)]
    assert len({first, *taken, *later}) == 31
