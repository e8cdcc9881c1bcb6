"""A whole system as the specification starts it: ``uvicorn app.main:app`` and nothing else."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from cst_core.settings import Settings, load_settings
from cst_http.tokens import Tokens
from cst_mongo.client import Database, open_database
from cst_stack import Endpoints, Home, status
from cst_stack.ports import free_port
from cst_testkit.apps import DOWNTOWN, SECRET, TUESDAY_NOON, report
from cst_testkit.commands import run_cst
from cst_testkit.waiting import wait_until

START_S = 60.0
STOP_S = 30.0

_corners = itertools.count()


def system_environ(home: Home, **overrides: str) -> dict[str, str]:
    """Return the environment of a system of its own: everything embedded, on free ports."""
    ours = ("CST_", "MONGO_", "KAFKA_")
    plain = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    settings = {
        "CST_HOME": str(home.root),
        "CST_MONGO_PORT": "0",
        "CST_KAFKA_PORT": "0",
        "CST_CLOCK": TUESDAY_NOON,
        "CST_AUTH_SECRET": SECRET,
    }
    return plain | settings | overrides


async def cst(home: Home, *arguments: str) -> tuple[int, str]:
    """Run the ``cst`` command in ``home``; return its exit code and what it wrote."""
    code, out, complaints = await run_cst(system_environ(home), home.root, *arguments)
    return code, out + complaints


@dataclass(frozen=True)
class RunningSystem:
    """The app's process, its stack, and a client of its API."""

    home: Home
    process: asyncio.subprocess.Process
    client: httpx.AsyncClient

    @property
    def endpoints(self) -> Endpoints:
        """Where the embedded stack is; it must be up."""
        endpoints = status(self.home).endpoints
        assert endpoints is not None, "the embedded stack is not up"
        return endpoints

    @property
    def children(self) -> list[psutil.Process]:
        """The processes of CST that the app runs (the stack it started is not among them)."""
        descendants = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in descendants if "cst_cli" in _command(child)]

    def as_(self, role: str) -> dict[str, str]:
        """Return the headers of a caller with ``role``."""
        return auth_headers(role)

    async def file(self, **overrides: Any) -> str:
        """File a request and return its id."""
        return await file_request(self.client, **overrides)

    async def story(self, request_id: str) -> list[dict[str, Any]]:
        """Return the events of a request."""
        return await story_of(self.client, request_id)

    async def assigned(self, request_id: str, timeout: float = 60.0) -> list[dict[str, Any]]:
        """Wait until a request is assigned and return its events."""
        return await assigned_story(self.client, request_id, timeout)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """Open the system's database."""
        where = self.endpoints
        async with open_database(where.mongo_uri, where.mongo_db, app="test") as db:
            yield db


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ended meanwhile
        return []


async def gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until all of ``processes`` have ended (whether or not somebody has looked)."""

    def all_ended() -> bool:
        return not any(_command(process) for process in processes)

    await wait_until(all_ended, STOP_S, f"the end of {processes}")


def auth_headers(role: str) -> dict[str, str]:
    """Return the headers of a caller with ``role`` of a system with the tests' secret."""
    tokens = Tokens(load_settings(Settings, _env_file=None, auth_secret=SECRET))
    return {"Authorization": f"Bearer {tokens.issue('t', [role], ttl=timedelta(hours=1))}"}


def _next_place() -> dict[str, Any]:
    """Return a corner of Lower Manhattan that was not reported yet."""
    row, column = divmod(next(_corners) % 300, 10)
    lon, lat = DOWNTOWN
    return {"coordinates": [round(lon + column * 4e-4, 4), round(lat + row * 4e-4, 4)]}


async def file_request(client: httpx.AsyncClient, **overrides: Any) -> str:
    """File a request, which is nobody's duplicate, and return its id."""
    answer = await client.post("/requests/", json=report(location=_next_place()) | overrides)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_id"])


async def story_of(client: httpx.AsyncClient, request_id: str) -> list[dict[str, Any]]:
    """Return the events of a request as an auditor sees them."""
    headers = auth_headers("auditor")
    answer = await client.get(f"/requests/{request_id}/events", headers=headers)
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


async def assigned_story(
    client: httpx.AsyncClient, request_id: str, timeout: float
) -> list[dict[str, Any]]:
    """Wait until a request is assigned and return its events."""

    async def told() -> list[dict[str, Any]]:
        events = await story_of(client, request_id)
        return events if events[-1]["type"] == "assigned" else []

    return await wait_until(told, timeout, f"{request_id} to be assigned")


@asynccontextmanager
async def client_of(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client once the API at ``url`` is ready."""
    async with httpx.AsyncClient(base_url=url, timeout=20) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await wait_until(ready, START_S, f"the API at {url}")
        yield client


@asynccontextmanager
async def running_app(home: Home, **environ: str) -> AsyncIterator[RunningSystem]:
    """Run ``uvicorn app.main:app`` for the length of the block; its log is ``app.log``."""
    home.prepare()
    port = free_port()
    with (home.root / "app.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "uvicorn", "app.main:app", "--port", str(port)),
            env=system_environ(home, **environ),
            cwd=home.root,
            stdout=log,
            stderr=log,
        )
    try:
        async with client_of(f"http://127.0.0.1:{port}") as client:
            yield RunningSystem(home, process, client)
    except BaseException:
        print(_tail(home.root / "app.log"))
        raise
    finally:
        await end_process(process)


async def end_process(process: asyncio.subprocess.Process, stop_s: float = STOP_S) -> None:
    """Ask a process to end, and kill it when it does not within ``stop_s`` seconds."""
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), stop_s)
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-4000:]
