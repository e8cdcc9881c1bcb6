"""A dispatcher with eight tasks as a process of its own: ``python … URI DATABASE PART PARTS``.

It assigns every ``PARTS``-th waiting request from ``PART`` on, in an order of its own, and says so
now and then. Killed and started again it begins anew.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Awaitable, Callable

from cst_core.settings import Settings, load_settings
from cst_dispatch.choosing import Chooser
from cst_dispatch.service import Attempt, DispatchService
from cst_mongo.client import Session
from cst_mongo.transactions import is_transient, transact
from cst_process.core import Core, open_core

TASKS = 8
#: Requests between two lines of output.
TELL = 10


async def _assign_all(core: Core, ids: list[str]) -> None:
    service, waiting = DispatchService(core, Chooser(core)), iter(enumerate(ids))

    async def task() -> None:
        for number, request_id in waiting:
            attempt = Attempt()

            async def once(
                session: Session, request_id: str = request_id, attempt: Attempt = attempt
            ) -> None:
                await service.assign(request_id, session, attempt)

            await _insist(core, once)
            if number % TELL == 0:
                print(number, flush=True)

    await asyncio.gather(*(task() for _ in range(TASKS)))


async def _insist(core: Core, work: Callable[[Session], Awaitable[None]]) -> None:
    """Do it in a transaction, as a worker does: until nothing that passes is in its way."""
    while True:
        try:
            return await transact(core.db, work)
        except Exception as error:
            if not is_transient(error):
                raise


async def _main(mongo_uri: str, mongo_db: str, part: str, parts: str) -> None:
    settings = load_settings(Settings, _env_file=None, mongo_uri=mongo_uri, mongo_db=mongo_db)
    async with open_core(settings, "dispatcher") as core:
        cursor = core.db["service_requests"].find({}, {"request_id": 1}).sort("request_id", 1)
        ids = [row["request_id"] async for row in cursor][int(part) :: int(parts)]
        random.Random(part).shuffle(ids)
        await _assign_all(core, ids)


asyncio.run(_main(*sys.argv[1:]))
