"""Coroutines that run together and end together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from cst_core.tasks import cancel_all

Tasks = Mapping[str, asyncio.Task[Any]]


@asynccontextmanager
async def together(**work: Coroutine[Any, Any, Any]) -> AsyncIterator[Tasks]:
    """Run coroutines as tasks; cancel what is left of them at the end and wait for it."""
    tasks = {name: asyncio.create_task(coro, name=name) for name, coro in work.items()}
    try:
        yield tasks
    finally:
        await cancel_all(tasks.values())


async def first_end(tasks: Tasks) -> None:
    """Wait until one of the tasks ends; raise what ended it, if it failed."""
    await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
    for task in tasks.values():
        if task.done():
            task.result()
