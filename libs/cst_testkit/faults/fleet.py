"""Processes of CST that a test kills and stops, and a supervisor that starts them again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cst_testkit.systems import end_process
from cst_testkit.waiting import wait_until

#: Pause before what has ended is started again, in seconds; long enough to be seen as down.
RESTART_S = 0.3
STOP_S = 20.0


@dataclass
class Member:
    """A process to keep alive: ``cst`` with ``arguments`` and ``environ``; its log is kept."""

    name: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None
    #: How often it has ended, by exit code.
    endings: Counter[int] = field(default_factory=Counter)

    @property
    def running(self) -> asyncio.subprocess.Process | None:
        """Its live process, or None while it is down."""
        alive = self.process is not None and self.process.returncode is None
        return self.process if alive else None


class Fleet:
    """Members by name; ``sailing`` starts and ends them."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = {member.name: member for member in members}

    async def kill(self, name: str) -> int:
        """Kill a process, waiting for it to be there first; return its pid."""
        process = await self._process(name)
        process.kill()
        await process.wait()
        return process.pid

    async def pause(self, name: str, seconds: float) -> int:
        """Stop a process for ``seconds``, then let it go on; return its pid."""
        process = await self._process(name)
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with suppress(ProcessLookupError):  # it was killed meanwhile
                process.send_signal(signal.SIGCONT)
        return process.pid

    def endings(self) -> dict[str, dict[int, int]]:
        """Return how often which process has ended, by exit code."""
        return {name: dict(m.endings) for name, m in self.members.items() if m.endings}

    async def _process(self, name: str) -> asyncio.subprocess.Process:
        member = self.members[name]
        await wait_until(lambda: member.running is not None, 30, f"{name} to be started")
        assert member.process is not None
        return member.process

    async def keep(self, member: Member) -> None:
        """Start a member again whenever it has ended, until cancelled; then end it."""
        try:
            while True:
                member.process = await _spawn(member)
                member.endings[await member.process.wait()] += 1
                await asyncio.sleep(RESTART_S)
        finally:
            await _end(member)


async def _spawn(member: Member) -> asyncio.subprocess.Process:
    with member.log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cst_cli",
            *member.arguments,
            env={**member.environ, "CST_PARENT_PID": str(os.getpid())},
            cwd=member.log.parent.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


async def _end(member: Member) -> None:
    process = member.running
    if process is None:
        return
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
        await end_process(process, STOP_S)


@asynccontextmanager
async def sailing(members: Sequence[Member]) -> AsyncIterator[Fleet]:
    """Keep ``members`` alive for the length of the block, then end them all."""
    fleet = Fleet(members)
    keepers = [asyncio.create_task(fleet.keep(member)) for member in members]
    try:
        yield fleet
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
