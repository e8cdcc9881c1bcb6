"""Tasks end when they are cancelled, also those that miss it the first time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from cst_core.tasks import cancel_all


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while swallowed < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await cancel_all([task], again_s=0.01)
    assert task.cancelled()
    assert swallowed == 2


async def test_errors_and_results_of_the_tasks_are_no_concern_of_who_ends_them() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while it ends")

    ended, going = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(failing())
    await asyncio.sleep(0)
    await cancel_all([ended, going])
    assert isinstance(going.exception(), ValueError)


async def test_who_is_cancelled_while_ending_tasks_ends_them_first() -> None:
    released = asyncio.Event()

    async def slow() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await released.wait()

    task = asyncio.create_task(slow())
    await asyncio.sleep(0)
    ending = asyncio.create_task(cancel_all([task], again_s=60))
    await asyncio.sleep(0)
    ending.cancel()
    # The interruption passes a second cancellation on to the task, which ends it.
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.done()
