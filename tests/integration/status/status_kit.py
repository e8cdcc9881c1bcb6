"""What the tests of the status share: a whole system, what it tells, and faults in it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from cst_mongo.client import Database, open_database
from cst_stack import Home
from cst_stack import status as stack_status
from cst_stack.ports import free_port
from cst_testkit.commands import run_cst
from cst_testkit.systems import client_of, system_environ
from cst_testkit.waiting import wait_until

#: A fault shows, and an end of one, within this time on a busy machine.
SHOWN_S = 90.0
STUCK_AFTER_S = 3


@dataclass(frozen=True)
class Whole:
    """A system that `cst up` started."""

    home: Home
    environ: dict[str, str]
    client: httpx.AsyncClient

    async def cst(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return its exit code, its output and its complaints."""
        return await run_cst(self.environ, self.home.root, *arguments)

    async def readyz(self) -> tuple[int, dict[str, Any]]:
        """Return the API's answer: its status and its body."""
        answer = await self.client.get("/readyz")
        return answer.status_code, answer.json()

    async def problems(self) -> set[tuple[str, str]]:
        """Return what the API says is wrong: parts with their problems."""
        _, body = await self.readyz()
        return {(found["part"], found["problem"]) for found in body.get("problems", [])}

    async def until_it_tells(self, *wanted: tuple[str, str]) -> None:
        """Wait until the API says that all of this is wrong."""

        async def told() -> bool:
            return set(wanted) <= await self.problems()

        await wait_until(told, SHOWN_S, f"/readyz to tell {wanted}")

    async def until_ready(self) -> None:
        """Wait until nothing is wrong, by the API and by the command."""

        told: Any = None

        async def ready() -> bool:
            nonlocal told
            told = await self.readyz()
            return bool(told == (200, {"status": "ready", "problems": []}))

        try:
            await wait_until(ready, SHOWN_S, "/readyz to say that all is well")
        except AssertionError as late:
            raise AssertionError(f"{late}: {told}") from None
        out = ""

        async def well() -> bool:
            nonlocal out
            code, out, _ = await self.cst("status")
            return code == 0

        # It looks later than the API did, so a heartbeat may be too old for it that was not then.
        try:
            await wait_until(well, SHOWN_S, "`cst status` to say so, too")
        except AssertionError as late:
            raise AssertionError(f"{late}: {out}") from None

    async def report(self) -> tuple[int, dict[str, Any]]:
        """Return what `cst status --json` exits with and says."""
        code, out, complaints = await self.cst("status", "--json")
        assert "Traceback" not in complaints
        told: dict[str, Any] = json.loads(out)
        return code, told

    async def pids(self) -> dict[str, int]:
        """Return the pid of every process by its name."""
        _, told = await self.report()
        return {process["name"]: process["pid"] for process in told["processes"]}

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Open the system's database."""
        where = stack_status(self.home).endpoints
        assert where is not None
        async with open_database(where.mongo_uri, where.mongo_db, app="test") as db:
            yield db


@asynccontextmanager
async def whole_system(home: Home, broker: str) -> AsyncIterator[Whole]:
    """Start everything, and stop it at the end."""
    home.prepare()
    environ = system_environ(home, CST_BROKER=broker, CST_STUCK_AFTER_S=str(STUCK_AFTER_S))
    port = free_port()
    try:
        code, out, complaints = await run_cst(environ, home.root, "up", "--port", str(port))
        assert code == 0, out + complaints
        async with client_of(f"http://127.0.0.1:{port}") as client:
            whole = Whole(home, environ, client)
            await whole.until_ready()
            yield whole
    finally:
        await run_cst(environ, home.root, "down")


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Stop a process for the length of the block, as SIGSTOP does."""
    process = psutil.Process(pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()
