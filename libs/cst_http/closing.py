"""Hearing of the process's end in time: while answers that have no end are still under way."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

import uvicorn

Handler: TypeAlias = Callable[[int, FrameType | None], Any]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
#: So long uvicorn waits for answers under way once it is told to end, in seconds; by itself it
#: would wait for ever for somebody who does not read.
GRACE_S = 10


@contextmanager
def when_told_to_end(callback: Callable[[], None]) -> Iterator[None]:
    """Call ``callback`` in the running loop when a signal tells the process to end.

    uvicorn ends an app's lifespan only after every answer has ended. So what keeps answers open
    has to look at the signals itself; uvicorn's own handler is called as well. Outside the main
    thread, or where nobody handles signals, nothing is done.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {
        number: _chained(handler, lambda: loop.call_soon_threadsafe(callback))
        for number, handler in before.items()
        if callable(handler)
    }
    for number, handler in handlers.items():
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is handler:
                signal.signal(number, before[number])


def _chained(handler: Handler, callback: Callable[[], object]) -> Handler:
    _bound_grace(getattr(handler, "__self__", None))

    def handle(number: int, frame: FrameType | None) -> None:
        callback()
        handler(number, frame)

    return handle


def _bound_grace(server: object) -> None:
    if isinstance(server, uvicorn.Server) and server.config.timeout_graceful_shutdown is None:
        server.config.timeout_graceful_shutdown = GRACE_S
