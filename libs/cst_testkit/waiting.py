"""Wait for a condition instead of a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

POLL_SECONDS = 0.02


@overload
async def wait_until(
    predicate: Callable[[], Awaitable[T]], timeout: float = ..., what: str = ...
) -> T: ...


@overload
async def wait_until(predicate: Callable[[], T], timeout: float = ..., what: str = ...) -> T: ...


async def wait_until(
    predicate: Callable[[], Any],
    timeout: float = 10.0,
    what: str = "the condition",
) -> Any:
    """Poll ``predicate`` until its value is true and return that value.

    The predicate may be a plain or an ``async`` function. After ``timeout`` seconds raises
    ``AssertionError``, which says ``what`` was awaited and the last value seen; a call of the
    predicate that hangs is cut off then, too.
    """
    last: object = "nothing: the first look did not return"
    deadline = time.monotonic() + timeout
    try:
        async with asyncio.timeout(timeout):
            while True:
                answer = predicate()
                value = await answer if inspect.isawaitable(answer) else answer
                if value:
                    return value
                last = value
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        if time.monotonic() < deadline:
            raise  # The predicate's own, not ours.
        raise AssertionError(
            f"waited {timeout:g} s for {what}; the last value seen was {last!r}"
        ) from None


def poll_until(predicate: Callable[[], T], timeout: float = 10.0, what: str = "the condition") -> T:
    """Do the same as ``wait_until`` outside an event loop; the predicate must return by itself."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(
                f"waited {timeout:g} s for {what}; the last value seen was {value!r}"
            )
        time.sleep(POLL_SECONDS)
    return value
