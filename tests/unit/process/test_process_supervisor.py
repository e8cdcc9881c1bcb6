"""The supervisor: children live while it does, start again when they end, and all stop with it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from cst_process import supervisor
from cst_process.supervisor import Child, supervise, watch_parent
from cst_testkit.waiting import wait_until

#: Stands in for ``python -m cst_cli``: says its pid and its variables, then does as it was told.
PROGRAM = """#!{python}
import os, signal, sys, time
name, behaviour = sys.argv[3:5]
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(name, "a") as out:
    print(os.getpid(), os.environ["COLOUR"], os.environ["CST_PARENT_PID"], file=out, flush=True)
sys.exit(3) if behaviour == "ends" else time.sleep(600)
"""
Start = Callable[..., Awaitable[tuple[asyncio.Event, asyncio.Task[None]]]]


@pytest.fixture
async def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Supervise children of the program above; whatever happens, they are gone afterwards."""
    program = tmp_path / "python"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setattr(supervisor.sys, "executable", str(program))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supervisor, "MIN_PAUSE_S", 0.01)
    running: list[tuple[asyncio.Event, asyncio.Task[None]]] = []

    async def started(*children: tuple[str, str]) -> tuple[asyncio.Event, asyncio.Task[None]]:
        stop = asyncio.Event()
        wanted = [Child(name, [name, behaviour]) for name, behaviour in children]
        running.append((stop, asyncio.create_task(supervise(wanted, {"COLOUR": "red"}, stop))))
        return running[-1]

    yield started
    for stop, task in running:
        stop.set()
        await task


def lives(name: str) -> list[list[str]]:
    """Return the lines a child has written: one a life."""
    path = Path(name)
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


async def pid_of(name: str, life: int = 1) -> int:
    await wait_until(lambda: len(lives(name)) >= life, what=f"life {life} of {name}")
    return int(lives(name)[life - 1][0])


async def test_children_get_the_environment_and_know_their_parent(start: Start) -> None:
    await start(("a", "stays"))
    await pid_of("a")
    assert lives("a")[0][1:] == ["red", str(os.getpid())]


async def test_a_killed_child_is_started_again_and_the_others_stay(start: Start) -> None:
    await start(("a", "stays"), ("b", "stays"))
    first, other = await pid_of("a"), await pid_of("b")
    os.kill(first, signal.SIGKILL)
    assert await pid_of("a", life=2) != first
    assert lives("b") == [lives("b")[0]]
    assert psutil.pid_exists(other)


async def test_a_child_that_keeps_ending_is_started_again_ever_more_slowly(start: Start) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await start(("a", "ends"))
    await pid_of("a", life=5)
    assert loop.time() - begun > 0.02 + 0.04 + 0.08 + 0.16


async def test_stopping_ends_every_child(start: Start) -> None:
    stop, task = await start(("a", "stays"), ("b", "stays"), ("c", "ends"))
    pids = [await pid_of(name) for name in "abc"]
    stop.set()
    await asyncio.wait_for(task, 10)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


async def test_a_child_deaf_to_sigterm_is_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "STOP_S", 0.1)
    stop, task = await start(("a", "deaf"))
    pid = await pid_of("a")
    stop.set()
    await asyncio.wait_for(task, 10)
    assert not psutil.pid_exists(pid)


async def test_a_child_whose_parent_is_gone_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_PARENT_PID", "1234567")
    stop = asyncio.Event()
    await asyncio.wait_for(watch_parent(stop, every_s=0.01), 5)
    assert stop.is_set()


async def test_a_child_whose_parent_lives_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CST_PARENT_PID", str(os.getppid()))
    stop = asyncio.Event()
    watching = asyncio.create_task(watch_parent(stop, every_s=0.001))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(watching), 0.05)
    stop.set()
    await watching
