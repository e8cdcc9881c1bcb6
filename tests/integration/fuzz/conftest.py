"""The whole API behind a real server on a port of its own, with requests in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn

from cst_stack.ports import LOOPBACK, free_port
from cst_testkit.apps import running_api
from cst_testkit.waiting import poll_until, wait_until


@dataclass(frozen=True)
class Target:
    """What is fuzzed: its address, requests that exist there, and tokens by role."""

    url: str
    request_ids: tuple[str, ...]
    tokens: dict[str, str]


class _Server:
    """The app in a thread with a loop of its own, as the fuzzer's client blocks."""

    def __init__(self, mongo_uri: str) -> None:
        self._mongo_uri = mongo_uri
        self._port = free_port()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.target: Target | None = None

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with running_api(self._mongo_uri) as api:
            ids = [(await api.file())["request_id"] for _ in range(3)]
            await api.step(ids[1], "triaged")
            roles = ("citizen", "agent", "dispatcher", "supervisor", "auditor", "admin")
            tokens = {role: api.token(role, ttl_s=3600) for role in roles}
            config = uvicorn.Config(
                api.app, host=LOOPBACK, port=self._port, lifespan="off", log_level="warning"
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            await wait_until(lambda: server.started, 30, "the server to listen")
            self.target = Target(f"http://{LOOPBACK}:{self._port}", tuple(ids), tokens)
            await self._stop.wait()
            server.should_exit = True
            await serving

    def run(self) -> None:
        asyncio.run(self._serve())

    def stop(self) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)


@pytest.fixture(scope="module")
def target(mongo_uri: str) -> Iterator[Target]:
    """The running API; ended with its database."""
    server = _Server(mongo_uri)
    thread = threading.Thread(target=server.run, name="fuzzed API")
    thread.start()
    poll_until(lambda: server.target is not None or not thread.is_alive(), 60, "the API")
    assert server.target is not None
    yield server.target
    server.stop()
    thread.join(30)
    assert not thread.is_alive()
