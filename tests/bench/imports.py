"""The import's rate against the bare driver doing the same two bulk writes in a transaction.

``python -m tests.bench.imports``.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

from bson import ObjectId
from tests.bench.common import Round, compare, prepared, rounds_for, run_bench

from cst_intake.domain.imports import FORMATS, NumberedRow, Reference
from cst_intake.importing import IN_FLIGHT, Importer
from cst_ledger.ledger import LOGS, REQUESTS
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core, open_core
from cst_stack import Endpoints

BATCH = 100


def _rows(count: int, ids: itertools.count[int]) -> list[NumberedRow]:
    chance = random.Random(311)
    return [
        NumberedRow(
            line,
            {
                "id": str(next(ids)),
                "category": "pothole",
                "description": "Request for pothole repair",
                "created_at": f"2025-0{line % 9 + 1}-11T08:00:00-05:00",
                "closed_at": "2025-11-12T09:30:00-05:00" if line % 3 else "",
                "due_at": "2025-11-13T08:00:00-05:00",
                "lon": f"{chance.uniform(-73.99, -73.97):.5f}",
                "lat": f"{chance.uniform(40.74, 40.76):.5f}",
            },
        )
        for line in range(count)
    ]


def _import(core: Core, reference: Reference, count: int) -> Round:
    ids = itertools.count()

    async def run() -> int:
        importer = Importer(
            core, FORMATS["csv"], reference, reject=_refuse, progress=lambda tally: None
        )
        await importer.run(_rows(count, ids), batch=BATCH)
        return importer.tally.imported

    return run


def _refuse(row: object) -> None:
    raise AssertionError(f"a row of the bench was rejected: {row}")


def _bare(core: Core, document: dict[str, Any], log: dict[str, Any], count: int) -> Round:
    """The same documents, inserted by the driver alone, as many batches under way at a time."""
    numbers = itertools.count()
    requests, logs = core.db[REQUESTS.name], core.db[LOGS.name]

    async def batch() -> None:
        oids = [ObjectId() for _ in range(BATCH)]
        rows = [
            document
            | {"_id": oid, "request_id": f"BARE-{next(numbers)}"}
            | {"source": {"system": "bare", "id": str(oid)}}
            for oid in oids
        ]
        entries = [log | {"_id": ObjectId(), "request_id": oid} for oid in oids]

        async def once(session: Session) -> None:
            await requests.insert_many(rows, session=session)
            await logs.insert_many(entries, session=session)

        await transact(core.db, once)

    async def run() -> int:
        batches = iter(range(count // BATCH))

        async def worker() -> None:
            for _ in batches:
                await batch()

        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return count // BATCH * BATCH

    return run


async def _run(stack: Endpoints, rows: int) -> None:
    settings = await prepared(stack)
    async with open_core(settings, "bench") as core:
        reference = Reference(await core.catalog.get())
        await _import(core, reference, BATCH)()
        document = await core.db[REQUESTS.name].find_one()
        log = await core.db[LOGS.name].find_one({"request_id": document and document["_id"]})
        assert document is not None
        assert log is not None
        count = max(BATCH, rows // 5)
        await compare(
            f"import, {count:,} rows a round, {BATCH} in a transaction",
            {
                "bare driver, the same documents": _bare(core, document, log, count),
                "CST import": _import(core, reference, count),
            },
            rounds=rounds_for(rows, 3),
        )


if __name__ == "__main__":
    run_bench(__doc__, _run)
