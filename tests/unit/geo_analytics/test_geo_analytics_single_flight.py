"""One computation for all who ask at once."""

from __future__ import annotations

import asyncio

import pytest

from cst_geo_analytics.heatmap.single_flight import SingleFlight


async def test_who_asks_meanwhile_waits_for_the_same_and_later_ones_do_not() -> None:
    flights, begun, go = SingleFlight[int](), 0, asyncio.Event()

    async def work() -> int:
        nonlocal begun
        begun += 1
        mine = begun
        await go.wait()
        return mine

    waiting = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    other = asyncio.create_task(flights.run("b", work))
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert await other == 2
    assert await flights.run("a", work) == 3


async def test_an_error_reaches_everybody_and_is_not_kept() -> None:
    flights = SingleFlight[int]()

    async def fails() -> int:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def works() -> int:
        return 7

    found = await asyncio.gather(*(flights.run(1, fails) for _ in range(2)), return_exceptions=True)
    assert [str(error) for error in found] == ["no", "no"]
    assert await flights.run(1, works) == 7


async def test_a_caller_who_leaves_ends_nothing() -> None:
    flights, go = SingleFlight[int](), asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 5

    first, second = (asyncio.create_task(flights.run(1, work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert await second == 5
