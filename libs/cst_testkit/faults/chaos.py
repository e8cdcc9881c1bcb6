"""A chaos run: the whole of CST under load and faults, then what must hold afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.system import prepare
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.settings import Settings, load_settings
from cst_process.core import Core, open_core
from cst_stack import Home
from cst_stack.ports import LOOPBACK, free_port
from cst_stack.state import Broker, EmbeddedBroker
from cst_testkit.apps import SECRET, TUESDAY_NOON
from cst_testkit.faults.facts import Ledger, behind, count_events, due, read_ledger
from cst_testkit.faults.fleet import Fleet, Member, sailing
from cst_testkit.faults.garbage import Vandal, vandal
from cst_testkit.faults.ground import Ground, standing_ground
from cst_testkit.faults.injector import Injector
from cst_testkit.faults.load import Load
from cst_testkit.faults.plan import BROKER, DATABASE, NETWORK, PROCESS, RECORDS, make_plan
from cst_testkit.systems import client_of, system_environ
from cst_testkit.waiting import wait_until

#: Processes, and whether each reaches MongoDB through the proxy; those in pairs share the work.
PROCESSES = {
    "api-1": True,
    "api-2": False,
    "relay-1": True,
    "relay-2": False,
    "workflow-worker-1": False,
    "workflow-worker-2": True,
    "dispatch-worker-1": True,
    "dispatch-worker-2": False,
    "sla-worker-1": True,
    "geo-worker-1": False,
    "geo-worker-2": True,
}
KINDS: dict[Broker, dict[str, int]] = {
    "kafka": {**PROCESS, **DATABASE, **BROKER, **NETWORK, **RECORDS},
    # It forgets what was put into it, and it cannot stand behind a proxy.
    "tansu": {**PROCESS, **DATABASE, **BROKER, **NETWORK},
}
SETTLE_S = 600.0


@dataclass(frozen=True)
class Size:
    """How much of a run: requests, faults, and the seed that makes it the same again."""

    requests: int
    faults: int
    seed: int

    @classmethod
    def from_env(cls, *, requests: int, faults: int) -> Size:
        """Return the size that ``CST_CHAOS_REQUESTS``, ``_FAULTS`` and ``_SEED`` say, or this."""
        return cls(
            int(os.environ.get("CST_CHAOS_REQUESTS") or requests),
            int(os.environ.get("CST_CHAOS_FAULTS") or faults),
            int(os.environ.get("CST_CHAOS_SEED") or int.from_bytes(os.urandom(4))),
        )


@dataclass(frozen=True)
class Chaos:
    """A system to be harmed, and the core through which a test looks at it."""

    ground: Ground
    fleet: Fleet
    core: Core
    vandal: Vandal | None
    urls: list[str]

    async def run(self, size: Size) -> Load:
        """File the load while the faults of the seed's plan are done; return it settled."""
        broker = self.ground.direct.broker
        print(f"CST_CHAOS_SEED={size.seed}: {size.faults} faults, {size.requests} requests")
        links = list(self.ground.links)
        plan = make_plan(
            size.seed, size.faults, KINDS[broker], processes=list(PROCESSES), links=links
        )
        injector, over = Injector(self.ground, self.fleet, self.vandal), asyncio.Event()
        each = size.requests / (size.faults + 1)
        # Neither may run ahead of the other by more than a few faults' share of the load.
        load = Load(self.urls, size.seed, size.requests, lambda n: n <= (injector.begun + 4) * each)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(over))
            await injector.run(plan, lambda fault: load.answered >= (fault.number - 1) * each)
            await self.ground.heal()
            await wait_until(lambda: load.answered == size.requests, SETTLE_S, "every answer")
            await self.settled()
            over.set()
        assert injector.done.total() == size.faults
        print(f"faults: {dict(injector.done)}; answers: {dict(load.counts)}")
        print(f"ends of processes by exit code: {self.fleet.endings()}")
        return load

    async def settled(self) -> Ledger:
        """Wait until no consumer is behind, no loop has work that is due, and the ledger has
        stopped growing; return it.
        """
        seen = -1
        lines: list[str] = []

        async def quiet() -> bool:
            nonlocal seen, lines
            before, seen = seen, await count_events(self.core.db)
            lines = await behind(self.core, await read_ledger(self.core.db))
            lines += await due(self.core)
            return seen == before and not lines

        try:
            await wait_until(quiet, SETTLE_S, "the system to settle")
        except AssertionError as error:
            raise AssertionError(f"{error}; behind: {lines[:10]}") from None
        return await read_ledger(self.core.db)


@asynccontextmanager
async def chaos(home: Home, broker: EmbeddedBroker) -> AsyncIterator[Chaos]:
    """Run every process of CST on a stack of its own in ``home``, each as ``cst run`` starts it."""
    async with AsyncExitStack() as undo:
        ground = await undo.enter_async_context(standing_ground(home, broker))
        settings = _settings(ground)
        await prepare(settings)
        members = [_member(ground, name, proxied) for name, proxied in PROCESSES.items()]
        fleet = await undo.enter_async_context(sailing(members))
        core = await undo.enter_async_context(open_core(settings, "chaos"))
        spoiler = None
        if "malformed" in KINDS[broker]:
            spoiler = await undo.enter_async_context(vandal(settings.kafka, REQUEST_EVENTS))
        apis = [member for member in members if member.name.startswith("api")]
        urls = [f"http://{LOOPBACK}:{member.arguments[-1]}" for member in apis]
        for url in urls:
            async with client_of(url):
                pass
        yield Chaos(ground, fleet, core, spoiler, urls)


def _settings(ground: Ground) -> Settings:
    return load_settings(
        Settings,
        _env_file=None,
        mongo_uri=ground.direct.mongo_uri,
        mongo_db=ground.direct.mongo_db,
        kafka=ground.direct.kafka_bootstrap_servers,
        kafka_idempotent=ground.direct.broker == "kafka",
        auth_secret=SECRET,
        clock=TUESDAY_NOON,
    )


def _member(ground: Ground, name: str, proxied: bool) -> Member:
    process = name.rpartition("-")[0]
    arguments = ["run", process]
    if process == "api":
        arguments += ["--port", str(free_port())]
    where = ground.direct
    environ = system_environ(
        ground.home,
        MONGO_URI=ground.proxied_mongo_uri if proxied else where.mongo_uri,
        MONGO_DB=where.mongo_db,
        KAFKA_BOOTSTRAP_SERVERS=where.kafka_bootstrap_servers,
        CST_KAFKA_IDEMPOTENT=str(int(where.broker == "kafka")),
        CST_RELAY_EXACTLY_ONCE=str(int(where.broker == "kafka")),
    )
    return Member(name, arguments, environ, ground.home.logs / f"{name}.log")
