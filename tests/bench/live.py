"""A thousand clients of the live map for a minute, with 50 events a second.

``python -m tests.bench.live --rows 20000`` (a client for 20 rows, at most 1,000, and a minute from
1,000 clients on). The API is a process of its own. Clients have different filters; some are cut off
and resume, some never read. Every client's events are compared with what it should have got: all
of it, once. Printed beside it: the process's memory before, meanwhile and after, and how long
events took from being sent to being read.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, TypeAlias

import psutil
from aiokafka import AIOKafkaProducer
from tests.bench.common import prepared, run_bench

from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.clock import wall_now
from cst_core.settings import Settings
from cst_core.tasks import cancel_all
from cst_geo import Box, leaf_cell
from cst_geo.cells import center
from cst_http.tokens import Tokens
from cst_stack import Endpoints
from cst_stack.ports import LOOPBACK, free_port
from cst_testkit.factories import created_event
from cst_testkit.histories import written
from cst_testkit.records import record_of
from cst_testkit.streams import Follower, connect
from cst_testkit.systems import client_of, end_process
from cst_testkit.waiting import wait_until

LIVE, DROPPED = "/analytics/live", "cst_live_dropped_total"
ROWS_A_CLIENT, MOST = 20, 1000
EVENTS_A_SECOND = 50
FULL_S, SHORT_S = 60.0, 10.0
#: One client in so many is cut off again and again; for so many there is one that never reads.
CUT_ONE_IN, IDLE_ONE_IN = 10, 50
CUT_EVERY_S = 2.0
#: What fills the buffers of those that do not read: so many events at a time, so often.
FILL, FILL_TURNS = 2000, 40
CATEGORIES = ("pothole", "graffiti", "street_light", "street_sign", "litter_basket")
#: Where requests are, in degrees.
WEST, SOUTH, EAST, NORTH = -74.02, 40.70, -73.94, 40.80


@dataclass(frozen=True)
class Asked:
    """A filter, and what it means."""

    categories: tuple[str, ...] = ()
    box: Box | None = None

    @property
    def query(self) -> dict[str, Any]:
        box = self.box
        given = {} if box is None else {"bbox": f"{box.west},{box.south},{box.east},{box.north}"}
        return given | ({"category": list(self.categories)} if self.categories else {})

    def wants(self, made: Made) -> bool:
        if not made.public or (self.categories and made.category not in self.categories):
            return False
        return self.box is None or self.box.holds(*made.point)


Following: TypeAlias = tuple[Follower, Asked]


@dataclass(frozen=True)
class Made:
    """An event that was sent, and when."""

    request_id: str
    category: str
    point: tuple[float, float]
    public: bool
    at: float


@dataclass
class Sent:
    """What was sent, in order."""

    made: list[Made] = field(default_factory=list)
    at: dict[str, float] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)

    def note(self, event: dict[str, Any]) -> None:
        """Note how long an event took to a client."""
        self.lags.append(time.monotonic() - self.at[event["request_id"]])


def _asked(rng: random.Random) -> Asked:
    """Return one of some hundred filters: a third of all clients want everything."""
    kind = rng.randrange(3)
    categories = tuple(sorted(rng.sample(CATEGORIES, rng.randint(1, 3)))) if kind == 1 else ()
    if kind != 2:
        return Asked(categories)
    column, row = rng.randrange(8), rng.randrange(10)
    west, south = round(WEST + column * 0.01, 2), round(SOUTH + row * 0.01, 2)
    return Asked(box=Box(west, south, round(west + 0.02, 2), round(south + 0.02, 2)))


async def _send(producer: AIOKafkaProducer, sent: Sent, seconds: float) -> None:
    """Send ``EVENTS_A_SECOND``, evenly."""
    rng = random.Random(311)
    start = time.monotonic()
    for number in range(round(seconds * EVENTS_A_SECOND)):
        await asyncio.sleep(max(0.0, start + number / EVENTS_A_SECOND - time.monotonic()))
        made, event = _made(rng, number, public=rng.random() < 0.8)
        sent.made.append(made)
        sent.at[made.request_id] = made.at
        record = record_of(event)
        await producer.send(REQUEST_EVENTS.name, key=record.key, value=record.value)
    await producer.flush()


def _made(rng: random.Random, number: int, *, public: bool) -> tuple[Made, dict[str, Any]]:
    cell = leaf_cell(rng.uniform(WEST, EAST), rng.uniform(SOUTH, NORTH))
    category = rng.choice(CATEGORIES)
    request_id, event = f"CST-2026-{number:05}", dict(_created(category, public))
    # The clock runs: what was recorded long ago would be taken for history.
    event |= {"subject": request_id, "facts": event["facts"] | {"h3": cell}}
    event["recorded_at"] = wall_now()
    return Made(request_id, category, center(cell), public, time.monotonic()), event


@cache
def _created(category: str, public: bool) -> dict[str, Any]:
    new = created_event(category=category, public="exact" if public else "area")
    return written([new]).events[0]


@asynccontextmanager
async def _api(settings: Settings, url: str) -> AsyncIterator[psutil.Process]:
    """Run the API in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cst_cli", "run", "geo-api", "--port", url.rsplit(":", 1)[1]),
        env=os.environ | settings.environ() | {"CST_LOG_LEVEL": "warning"},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with client_of(url):
            yield psutil.Process(process.pid)
    finally:
        await end_process(process)


async def _cut(followers: list[Follower]) -> None:
    """Cut clients off now and then."""
    rng = random.Random(7)
    while True:
        await asyncio.sleep(CUT_EVERY_S / len(followers))
        rng.choice(followers).cut()


async def _watch(process: psutil.Process, seen: list[int]) -> None:
    while True:
        seen.append(process.memory_info().rss)
        await asyncio.sleep(0.5)


async def _idle(settings: Settings, url: str, count: int) -> list[asyncio.StreamWriter]:
    """Connect clients that never read, as staff."""
    token = Tokens(settings).issue("bench", ["dispatcher"], ttl=timedelta(hours=1))
    bearer = {"Authorization": f"Bearer {token}"}
    return [(await connect(url, LIVE, **bearer))[1] for _ in range(count)]


async def _fill(producer: AIOKafkaProducer, url: str, idle: int) -> float:
    """Send what only staff are told until those that do not read are dropped; return how many."""
    dropped, rng = 0.0, random.Random(12)
    for turn in range(FILL_TURNS):
        for number in range(FILL):
            _, event = _made(rng, 100_000 + turn * FILL + number, public=False)
            record = record_of(event)
            await producer.send(REQUEST_EVENTS.name, key=record.key, value=record.value)
        await producer.flush()
        dropped = await _dropped(url)
        if dropped >= idle:
            break
        await asyncio.sleep(1)
    return dropped


async def _dropped(url: str) -> float:
    async with client_of(url) as client:
        lines = (await client.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(DROPPED))


async def _all_told(followers: list[Following], sent: Sent) -> None:
    """Wait until every client has got what it should, but not for ever: what is missing counts."""
    counts = {asked: sum(map(asked.wants, sent.made)) for _, asked in followers}
    with suppress(AssertionError):
        await wait_until(lambda: all(len(f.told) >= counts[a] for f, a in followers), 30)


def _compared(followers: list[Following], sent: Sent) -> tuple[int, int, int, int]:
    """Return how many events were told, missed, told twice, and told to who must not hear."""
    told = missed = twice = wrong = 0
    for follower, asked in followers:
        expected = {(made.request_id, 0) for made in sent.made if asked.wants(made)}
        told += len(got := set(follower.told))
        missed += len(expected - got)
        wrong += len(got - expected)
        twice += sum(count - 1 for count in follower.told.values())
    return told, missed, twice, wrong


async def _run(stack: Endpoints, rows: int) -> None:
    count = min(MOST, rows // ROWS_A_CLIENT)
    settings = (await prepared(stack)).model_copy(update={"kafka_idempotent": False})
    where, url = stack.kafka_bootstrap_servers, f"http://{LOOPBACK}:{free_port()}"
    await ensure_topics(where, [REQUEST_EVENTS], prefix="", volatile=True)
    producer = make_producer(where, idempotent=False)
    await producer.start()
    scene = _Scene(settings, url, producer, FULL_S if count >= MOST else SHORT_S)
    async with _api(settings, url) as process:
        await scene.play(process, count)
    await producer.stop()


@dataclass
class _Scene:
    """What happens to an API at ``url`` in some ``seconds``."""

    settings: Settings
    url: str
    producer: AIOKafkaProducer
    seconds: float
    sent: Sent = field(default_factory=Sent)
    memory: list[int] = field(default_factory=list)

    async def play(self, process: psutil.Process, count: int) -> None:
        """Let ``count`` clients listen while events are sent, and report."""
        rng, before = random.Random(1), process.memory_info().rss
        asked = [_asked(rng) for _ in range(count)]
        followers = [(Follower(self.url, LIVE, a.query, self.sent.note), a) for a in asked]
        tasks = [asyncio.create_task(follower.run()) for follower, _ in followers]
        await wait_until(lambda: all(f.begun for f, _ in followers), 120, "every client's begin")
        idle = await _idle(self.settings, self.url, max(1, count // IDLE_ONE_IN))
        tasks.append(asyncio.create_task(_watch(process, self.memory)))
        used = await self._minute(process, followers)
        dropped = await _fill(self.producer, self.url, len(idle))
        await cancel_all(tasks)
        _report(followers, self.sent, self.seconds)
        print(
            f"  memory of the API: {before >> 20} MiB before the clients, "
            f"{self.memory[0] >> 20} MiB with them, {max(self.memory) >> 20} MiB at most, "
            f"{self.memory[-1] >> 20} MiB at the end; {used / self.seconds:.0%} of a core\n"
            f"  dropped once their buffers were full: {dropped:.0f} of {len(idle)} that never read"
        )
        for writer in idle:
            writer.close()

    async def _minute(self, process: psutil.Process, followers: list[Following]) -> float:
        """Send events, and cut some clients off meanwhile; return the API's CPU seconds."""
        used = sum(process.cpu_times()[:2])
        some = [follower for follower, _ in followers[::CUT_ONE_IN]]
        tasks = [asyncio.create_task(_cut(some))]
        await _send(self.producer, self.sent, self.seconds)
        await _all_told(followers, self.sent)
        await cancel_all(tasks)
        return float(sum(process.cpu_times()[:2]) - used)


def _report(followers: list[Following], sent: Sent, seconds: float) -> None:
    told, missed, twice, wrong = _compared(followers, sent)
    filters = len({asked for _, asked in followers})
    cut = sum(follower.connections - 1 for follower, _ in followers)
    resets = sum(len(follower.resets) for follower, _ in followers)
    lags = statistics.quantiles(sent.lags, n=100)
    print(
        f"\n{len(followers):,} clients with {filters} filters, {seconds:.0f} s, "
        f"{len(sent.made):,} events ({len(sent.made) / seconds:.0f}/s)\n"
        f"  told {told:,} times; missed {missed}, twice {twice}, not theirs {wrong}; "
        f"{cut} times cut off and resumed, {resets} resets\n"
        f"  from sent to read: p50 {lags[49] * 1000:.0f} ms, p99 {lags[98] * 1000:.0f} ms, "
        f"at most {max(sent.lags) * 1000:.0f} ms"
    )
    if missed or twice or wrong:
        raise SystemExit("a client was not told what it should have been, and once")


if __name__ == "__main__":
    run_bench(__doc__, _run, left_out="clients that never read take long to be dropped")
