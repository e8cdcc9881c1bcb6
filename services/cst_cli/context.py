"""What commands share: settings with the stack's addresses, and a way to run coroutines."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias, TypeVar

from app.system import with_stack
from cst_core.logging import configure_logging
from cst_core.settings import Settings, load_settings
from cst_mongo.client import Database, open_database
from cst_process.core import Core, open_core

S = TypeVar("S", bound=Settings)
T = TypeVar("T")
Handler: TypeAlias = "Callable[[int, FrameType | None], Any] | signal.Handlers"
#: What a terminal, a shell and a service manager end a command with.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def settings_for(kind: type[S], process: str) -> S:
    """Read settings, set up logs, and make sure that the stack they name is there."""
    settings = load_settings(kind)
    configure_logging(process, log_format=settings.log_format, level=settings.log_level)
    return with_stack(settings)


def run_interruptible(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``work`` to its end on a loop of its own, as ``asyncio.run`` does.

    Raises:
        KeyboardInterrupt: after ``work`` was cancelled and the loop closed.
    """
    runner = asyncio.Runner()
    try:
        # A Ctrl-C waits until the loop is there: one that is half made complains when it goes. By
        # handlers, as a signal that is blocked here would come by way of another thread.
        came: list[int] = []
        with signals_handled(lambda number, _: came.append(number)):
            runner.get_loop()
        if came:
            signal.raise_signal(came[0])
        return runner.run(work())
    finally:
        runner.close()


@contextmanager
def signals_handled(handler: Handler, *numbers: signal.Signals) -> Iterator[None]:
    """Have ``handler`` for ``numbers``, or all of ``ENDING``, for the length of the block."""
    before = {number: signal.signal(number, handler) for number in numbers or ENDING}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def with_database(work: Callable[[Database, Settings], Awaitable[T]], *, process: str) -> T:
    """Run ``work`` with the city's database open."""
    settings = settings_for(Settings, process)

    async def go() -> T:
        async with open_database(settings.mongo_uri, settings.mongo_db, app=process) as db:
            return await work(db, settings)

    return asyncio.run(go())


def with_core(work: Callable[[Core], Awaitable[T]], *, process: str) -> T:
    """Run ``work`` with the core open that services are built over."""
    settings = settings_for(Settings, process)

    async def go() -> T:
        async with open_core(settings, process) as core:
            return await work(core)

    return asyncio.run(go())
