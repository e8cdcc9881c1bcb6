"""Waiting for conditions, with a message that says what was seen."""

import asyncio

import pytest

from cst_testkit.waiting import poll_until, wait_until


@pytest.mark.asyncio
async def test_the_value_is_returned_once_it_is_true() -> None:
    values = iter([0, None, 7])
    assert await wait_until(lambda: next(values), 5, "a number") == 7


@pytest.mark.asyncio
async def test_an_async_predicate_is_awaited() -> None:
    async def ready() -> str:
        return "ready"

    assert await wait_until(ready) == "ready"


@pytest.mark.asyncio
async def test_the_last_value_is_told() -> None:
    with pytest.raises(AssertionError, match=r"waited 0.05 s for rain; .* was \[\]"):
        await wait_until(list, 0.05, "rain")


@pytest.mark.asyncio
async def test_a_hanging_predicate_is_cut_off() -> None:
    with pytest.raises(AssertionError, match="the first look did not return"):
        await wait_until(lambda: asyncio.sleep(60, True), 0.05, "an answer")


@pytest.mark.asyncio
async def test_a_timeout_of_the_predicate_is_its_own() -> None:
    async def fails() -> None:
        raise TimeoutError("the database")

    with pytest.raises(TimeoutError, match="the database"):
        await wait_until(fails, 5)


def test_polling_without_a_loop() -> None:
    assert poll_until(lambda: 1) == 1
    with pytest.raises(AssertionError, match="for rain; the last value seen was 0"):
        poll_until(lambda: 0, 0.05, "rain")
