"""Ending tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import structlog

log = structlog.get_logger(__name__)

#: Longer than any task needs to clean up after itself.
AGAIN_S = 5.0


async def cancel_all(tasks: Collection[asyncio.Task[Any]], *, again_s: float = AGAIN_S) -> None:
    """Cancel tasks and return when every one has ended, whatever it ended with.

    A task that goes on is cancelled again every ``again_s`` seconds: before Python 3.12
    ``wait_for`` swallows a cancellation that comes just as what it waits for is done, and the
    database's driver waits for a server like this. A loop that repeats what fails would go on for
    ever.
    """
    interrupted: asyncio.CancelledError | None = None
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            if task.cancel() and task.cancelling() > 1:
                log.info("cancelling again", task=task.get_name())
        try:
            _, pending = await asyncio.wait(pending, timeout=again_s)
        except asyncio.CancelledError as error:  # the tasks come first: nobody else ends them
            interrupted = error
            pending = {task for task in pending if not task.done()}
    for task in tasks:
        if not task.cancelled():
            task.exception()  # so that nobody complains that it was not looked at
    if interrupted is not None:
        raise interrupted
