"""Heartbeats: every process says every 2 s that it lives and how it does, in ``process_status``.

A heartbeat never harms its process: where the database is gone it is left out, and comes back with
it. The rows of processes that died are removed by their successors on the same host, or expire.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pymongo
import structlog
from pymongo import ASCENDING, IndexModel
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from cst_core.tasks import cancel_all
from cst_mongo.client import Collection, Database
from cst_mongo.indexes import CollectionSpec
from cst_process.vitals import Vitals

log = structlog.get_logger(__name__)

EVERY_S = 2.0
#: How long the database may take for a heartbeat.
ANSWER_S = 2.0
#: So long a dead process is remembered.
KEPT_S = 300

PROCESSES = CollectionSpec(
    "process_status",
    (IndexModel([("at", ASCENDING)], name="expiry", expireAfterSeconds=KEPT_S),),
)


@asynccontextmanager
async def beating(db: Database, vitals: Vitals) -> AsyncIterator[None]:
    """Send heartbeats during the block; at its end the process says good-bye."""
    # Nothing is lost with one: no need to wait for the disk.
    rows = db[PROCESSES.name].with_options(write_concern=WriteConcern(1))
    task = asyncio.create_task(_beat(rows, vitals))
    try:
        yield
    finally:
        await cancel_all([task])
        with suppress(PyMongoError), pymongo.timeout(ANSWER_S):
            await rows.delete_one({"_id": vitals.instance})


async def _beat(rows: Collection, vitals: Vitals) -> None:
    buried = missing = False
    while True:
        try:
            with pymongo.timeout(ANSWER_S):
                await _write(rows, vitals)
                if not buried:
                    await _bury(rows, vitals)
                    buried = True
            missing = False
        except PyMongoError as error:
            if not missing:
                log.warning("no heartbeat: the database is gone", error=str(error)[:200])
            missing = True
        await asyncio.sleep(EVERY_S)


async def _write(rows: Collection, vitals: Vitals) -> None:
    await vitals.count_parked()
    # As a literal: an error's text may begin with a dollar sign.
    row = {"$literal": await vitals.report()}
    await rows.update_one(
        {"_id": vitals.instance},
        [{"$replaceWith": {"$mergeObjects": [row, {"at": "$$NOW"}]}}],
        upsert=True,
    )


async def _bury(rows: Collection, vitals: Vitals) -> None:
    """Remove the rows of earlier processes of this name and host that have died."""
    mine = {"name": vitals.name, "host": vitals.host, "_id": {"$ne": vitals.instance}}
    found = await rows.find(mine, {"pid": 1}).to_list()
    # Its own pid is that of a process that is gone: in a container it is always the same.
    dead = [
        row["_id"] for row in found if row["pid"] == vitals.pid or not psutil.pid_exists(row["pid"])
    ]
    if dead:
        await rows.delete_many({"_id": {"$in": dead}})
