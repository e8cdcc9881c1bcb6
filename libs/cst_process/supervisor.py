"""Keeps child processes alive: starts them, starts them again when they end, stops them in time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

STOP_S = 12.0
MIN_PAUSE_S = 0.2
MAX_PAUSE_S = 10.0
#: A child that lived this long is not in a crash loop.
STEADY_S = 10.0


@dataclass(frozen=True)
class Child:
    """A process to keep alive: its name, its arguments after ``cst``, its log file if any."""

    name: str
    arguments: Sequence[str]
    log: Path | None = None


async def supervise(
    children: Sequence[Child], environ: Mapping[str, str], stop: asyncio.Event
) -> None:
    """Run ``children`` until ``stop`` is set, then end them all within ``STOP_S`` seconds."""
    await asyncio.gather(*(_keep_alive(child, environ, stop) for child in children))


async def _keep_alive(child: Child, environ: Mapping[str, str], stop: asyncio.Event) -> None:
    pause, loop = MIN_PAUSE_S, asyncio.get_running_loop()
    while not stop.is_set():
        started = loop.time()
        code = await _run_once(child, environ, stop)
        if stop.is_set():
            return
        pause = MIN_PAUSE_S if loop.time() - started > STEADY_S else min(pause * 2, MAX_PAUSE_S)
        log.warning("child ended, starting it again", child=child.name, code=code, pause_s=pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def _run_once(child: Child, environ: Mapping[str, str], stop: asyncio.Event) -> int:
    env = {**os.environ, **environ, "CST_PARENT_PID": str(os.getpid())}
    output = child.log.open("ab") if child.log else None
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cst_cli",
            *child.arguments,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    finally:
        if output is not None:
            output.close()
    ended = asyncio.create_task(process.wait())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        await _end(process, ended)
    return await ended


async def _end(process: asyncio.subprocess.Process, ended: asyncio.Task[int]) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        await asyncio.wait({ended}, timeout=STOP_S)
        if not ended.done():
            process.kill()


async def watch_parent(stop: asyncio.Event, *, every_s: float = 1.0) -> None:
    """Set ``stop`` when the supervising parent is gone, so that no child outlives it."""
    parent = os.environ.get("CST_PARENT_PID")
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
        if parent is not None and str(os.getppid()) != parent:
            stop.set()
