"""An API process that is killed, or ended: its clients go on where they were."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from live_api import LIVE, Feed, feeding

from cst_stack import Endpoints
from cst_stack.ports import LOOPBACK, free_port
from cst_testkit.apps import Api, running_api
from cst_testkit.streams import Follower, connect, listening
from cst_testkit.systems import client_of, end_process
from cst_testkit.waiting import wait_until

QUERIES = [None, {"category": "pothole"}, {"category": "graffiti"}, {"bbox": "-75,40,-73,41"}]
CLIENTS = 24
#: Sent before each kill; and how many kills there are.
BURST, KILLS = 40, 2


@asynccontextmanager
async def api_process(
    environ: dict[str, str], port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the API of geo-analytics until the end of the block, if it has not ended by then."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cst_cli", "run", "geo-api", "--port", str(port)),
        env=os.environ | environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with client_of(f"http://{LOOPBACK}:{port}"):
            yield process
    finally:
        await end_process(process)


@asynccontextmanager
async def scene(stack: Endpoints) -> AsyncIterator[tuple[Api, Feed, dict[str, str]]]:
    """A city, the feed of its topic, and the environment of its processes."""
    prefix = f"{uuid.uuid4().hex[:8]}."
    async with (
        running_api(stack.mongo_uri) as api,
        feeding(stack, api.core.db, prefix) as feed,
    ):
        bus = {
            "KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers,
            "CST_KAFKA_IDEMPOTENT": str(int(stack.broker != "tansu")),
            "CST_TOPIC_PREFIX": prefix,
            "CST_LIVE_HEARTBEAT_S": "0.5",
        }
        yield api, feed, api.core.settings.environ() | bus


async def test_a_killed_process_costs_its_clients_nothing(stack: Endpoints) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    followers = [Follower(url, LIVE, QUERIES[n % len(QUERIES)]) for n in range(CLIENTS)]
    async with scene(stack) as (api, feed, environ), asyncio.TaskGroup() as group:
        sent = _Sent(api, feed)
        tasks = [group.create_task(follower.run()) for follower in followers]
        for kills in range(KILLS):
            async with api_process(environ, port) as process:
                await _connected(followers, kills + 1)
                await sent.some(BURST)
                process.kill()
            await sent.some(BURST)
        async with api_process(environ, port):
            await sent.some(BURST)
            for number, follower in enumerate(followers):
                await _told(follower, sent.wanted_by(QUERIES[number % len(QUERIES)]))
            for task in tasks:
                task.cancel()
    for number, follower in enumerate(followers):
        assert set(follower.told) == sent.wanted_by(QUERIES[number % len(QUERIES)])
        assert set(follower.told.values()) == {1}
        assert follower.resets == []


async def _connected(followers: list[Follower], times: int) -> None:
    """Wait until every client was told where it begins, and is there for the nth time."""
    await wait_until(
        lambda: all(f.begun and f.connections >= times for f in followers), 60, "every client"
    )


async def _told(follower: Follower, expected: set[tuple[str, int]]) -> None:
    await wait_until(lambda: expected <= {*follower.told}, 60, "what was missed")


class _Sent:
    """Reports that were sent, and who wants which."""

    def __init__(self, api: Api, feed: Feed) -> None:
        self._api = api
        self._feed = feed
        self._told: dict[str, set[tuple[str, int]]] = {"pothole": set(), "graffiti": set()}

    async def some(self, count: int) -> None:
        """File one report of each category, and send it again and again under other numbers."""
        for category, told in self._told.items():
            await self._api.file(category=category)
            newest = [("event_stream.0.at", -1)]
            log = await self._api.core.db["performance_logs"].find_one(sort=newest)
            assert log is not None
            for _ in range(count):
                subject = f"CST-{2030 + (category == 'graffiti')}-{len(told):04}"
                await self._feed.send_event(log["event_stream"][0] | {"subject": subject})
                told.add((subject, 0))
                await asyncio.sleep(0.002)

    def wanted_by(self, query: dict[str, str] | None) -> set[tuple[str, int]]:
        """Return what a client with ``query`` is to be told."""
        category = (query or {}).get("category")
        return self._told[category] if category else set().union(*self._told.values())


async def test_a_process_that_is_told_to_end_ends_its_streams(stack: Endpoints) -> None:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    async with scene(stack) as (_, _, environ), api_process(environ, port) as process:
        async with listening(url, LIVE) as one, listening(url, LIVE) as other:
            _, idle = await connect(url, LIVE)
            await one.begun()
            await other.begun()
            process.terminate()
            await wait_until(lambda: one.ended and other.ended, 20, "the ends of the streams")
            await asyncio.wait_for(process.wait(), 20)
            idle.close()
        assert process.returncode == -signal.SIGTERM, "uvicorn has ended in good order"
