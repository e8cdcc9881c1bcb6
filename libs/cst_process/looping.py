"""Background loops: look for what is due, do it, pause; live through the database's absences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from cst_mongo.transactions import is_transient

log = structlog.get_logger(__name__)


async def repeat(
    name: str, work: Callable[[], Awaitable[bool]], stop: asyncio.Event, *, pause_s: float
) -> None:
    """Do ``work`` again and again until ``stop`` is set.

    Args:
        name: of the loop, for the log.
        work: does what is due; True when there may be more at once.
        stop: ends the loop in good order.
        pause_s: pause where there is no more, in wall seconds.
    """
    while not stop.is_set():
        more = False
        try:
            more = await work()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning(f"{name}: database unreachable", error=str(error)[:200])
        if not more:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
