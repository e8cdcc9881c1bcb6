"""Ctrl-C at an unlucky moment."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import pytest

from cst_cli.context import run_interruptible


def test_a_ctrl_c_while_the_loop_is_made_comes_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made, began, complaints = [], [], []
    make = asyncio.new_event_loop

    def pressed_half_way() -> asyncio.AbstractEventLoop:
        os.kill(os.getpid(), signal.SIGINT)
        made.append(make())
        return made[0]

    async def work() -> None:
        began.append(True)

    monkeypatch.setattr(asyncio.events, "new_event_loop", pressed_half_way)
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # Another thread takes the signal, too, as the driver's or the console's do.
    over = threading.Event()
    threading.Thread(target=over.wait).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_interruptible(work)
    finally:
        over.set()
        signal.signal(signal.SIGINT, before)
    assert [loop.is_closed() for loop in made] == [True]
    assert (began, complaints) == ([], [])


def test_a_ctrl_c_while_it_runs_cancels_the_work() -> None:
    seen = []

    async def work() -> None:
        signal.raise_signal(signal.SIGINT)
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_interruptible(work)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == ["cancelled"]


def test_what_the_work_returns_is_returned() -> None:
    async def work() -> int:
        return 311

    assert run_interruptible(work) == 311
