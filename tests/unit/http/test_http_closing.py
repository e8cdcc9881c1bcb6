"""An app hears of its process's end in time."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
import uvicorn

from cst_http.closing import GRACE_S, when_told_to_end


class _Handler:
    """Stands in for what handled the signal before."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.calls += 1


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT], ids=str)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal, whose handler is put back."""
    before = signal.getsignal(request.param)
    yield request.param
    signal.signal(request.param, before)


async def test_both_are_called_and_the_first_is_put_back(number: signal.Signals) -> None:
    handler, told = _Handler(), asyncio.Event()
    signal.signal(number, handler)
    with when_told_to_end(told.set):
        signal.raise_signal(number)
        await asyncio.wait_for(told.wait(), 10)
    assert handler.calls == 1
    assert signal.getsignal(number) is handler


async def test_where_nobody_handles_a_signal_it_is_left_alone(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    with when_told_to_end(lambda: None):
        assert signal.getsignal(number) is signal.SIG_IGN


async def test_who_came_later_is_not_undone(number: signal.Signals) -> None:
    signal.signal(number, _Handler())
    later = _Handler()
    with when_told_to_end(lambda: None):
        signal.signal(number, later)
    assert signal.getsignal(number) is later


@pytest.mark.parametrize(("given", "then"), [(None, GRACE_S), (3, 3)])
async def test_uvicorn_does_not_wait_for_ever(
    number: signal.Signals, given: int | None, then: int
) -> None:
    server = uvicorn.Server(uvicorn.Config("app:none", timeout_graceful_shutdown=given))
    signal.signal(number, server.handle_exit)
    with when_told_to_end(lambda: None):
        assert server.config.timeout_graceful_shutdown == then


def test_outside_the_main_thread_nothing_is_done() -> None:
    async def enter() -> list[object]:
        with when_told_to_end(lambda: None):
            return [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]

    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.extend(asyncio.run(enter())))
    thread.start()
    thread.join()
    assert seen == before
