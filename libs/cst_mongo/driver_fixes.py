"""What PyMongo does wrong after an outage, mended before the first connection."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import Any, TypeVar

import pymongo.lock
from pymongo.asynchronous.pool import AsyncConnection
from pymongo.hello import Hello

T = TypeVar("T")

_driver_hello = AsyncConnection._hello


async def _wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:
    """Wait as ``asyncio.wait_for`` does from Python 3.12 on: in the caller's own task."""
    async with asyncio.timeout(timeout):
        return await awaitable


async def _hello(
    self: AsyncConnection, topology_version: Any | None, heartbeat_frequency: int | None
) -> Hello[dict[str, Any]]:
    """Greet the server; sessions are supported where the server says how long they live."""
    hello = await _driver_hello(self, topology_version, heartbeat_frequency)
    self.supports_sessions = hello.logical_session_timeout_minutes is not None
    return hello


def mend() -> None:
    """Put the mended functions in the driver's place; doing it again changes nothing."""
    if sys.version_info < (3, 12):
        # The older one swallows a cancellation that comes in time with a result, and leaves the
        # driver's lock to another task when it is cancelled while it times out: after an outage
        # of the server a cancelled operation went on for ever, or others failed with "cannot wait
        # on un-acquired lock".
        pymongo.lock.wait_for = _wait_for  # type: ignore[attr-defined, assignment]
    # The driver asks for a readable server as well. A primary that has just been elected is
    # neither primary nor secondary for a moment: a connection made then answered every
    # transaction with "Sessions are not supported" for as long as it lived. The specification of
    # sessions (DRIVERS-1230) asks for the timeout alone.
    AsyncConnection._hello = _hello  # type: ignore[method-assign]
