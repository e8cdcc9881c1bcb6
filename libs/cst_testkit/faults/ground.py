"""A stack to be harmed: mongod and a broker of its own, each behind a proxy, and their faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import PyMongoError

from cst_stack import Endpoints, Home, down
from cst_stack.kafka import Kafka
from cst_stack.mongod import Mongod
from cst_stack.part import Part
from cst_stack.ports import LOOPBACK, free_port
from cst_stack.replica_set import direct_client, embedded_uri, is_primary
from cst_stack.state import EmbeddedBroker
from cst_stack.tansu import Tansu
from cst_testkit.faults.proxy import TcpProxy, proxying
from cst_testkit.waiting import wait_until

DATABASE = "cst"
PRIMARY_S = 60.0


@dataclass
class Ground:
    """A running stack.

    Attributes:
        direct: its addresses; Apache Kafka tells every client to come through its proxy.
        links: the proxies by name, ``mongo`` and, before Apache Kafka, ``kafka``.
    """

    home: Home
    mongod: Part
    mongo_port: int
    broker: Part
    broker_port: int
    direct: Endpoints
    links: dict[str, TcpProxy]
    _turns: dict[str, asyncio.Lock] = field(
        default_factory=lambda: {"mongod": asyncio.Lock(), "broker": asyncio.Lock()}
    )
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def proxied_mongo_uri(self) -> str:
        """Where MongoDB is through its proxy; a set's member would lead clients past it."""
        return f"mongodb://{LOOPBACK}:{self.links['mongo'].port}/?directConnection=true"

    async def restart_mongod(self, *, kill: bool, down_s: float) -> None:
        """End mongod, cleanly or not, and start it again after ``down_s`` seconds."""
        async with self._turns["mongod"]:
            await self._finish(_again(self.mongod, self.mongo_port, kill=kill, down_s=down_s))

    async def restart_broker(self, *, kill: bool, down_s: float) -> None:
        """The same with the broker."""
        async with self._turns["broker"]:
            await self._finish(_again(self.broker, self.broker_port, kill=kill, down_s=down_s))

    async def step_down(self) -> None:
        """Let the only member give up being primary; it takes over again after a second."""
        async with self._turns["mongod"]:
            await asyncio.to_thread(_step_down, self.mongo_port)
            await self.primary()

    async def _finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Run to the end even if the caller is cancelled: a thread cannot be stopped half-way."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait for the restarts under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def primary(self) -> None:
        """Wait until mongod takes writes."""
        with direct_client(self.mongo_port) as client:
            await wait_until(
                lambda: asyncio.to_thread(is_primary, client), PRIMARY_S, "mongod to be primary"
            )

    async def heal(self) -> None:
        """Wait for restarts under way and take away what hinders connections."""
        for link in self.links.values():
            link.delay_s, link.refusing = 0.0, False
        async with self._turns["mongod"], self._turns["broker"]:
            await self.primary()


async def _again(part: Part, port: int, *, kill: bool, down_s: float) -> None:
    await asyncio.to_thread(part.kill if kill else part.stop)
    await asyncio.sleep(down_s)
    await asyncio.to_thread(part.start, port)


def _step_down(port: int) -> None:
    # The server closes connections as it steps down, the command's own among them.
    with direct_client(port) as client, suppress(PyMongoError):
        client.admin.command("replSetStepDown", 1, force=True)


@asynccontextmanager
async def standing_ground(home: Home, broker: EmbeddedBroker) -> AsyncIterator[Ground]:
    """Run a stack in ``home`` for the length of the block, whatever happens in it."""
    home.prepare()
    mongo_port, broker_port = free_port(), free_port()
    async with AsyncExitStack() as undo:
        undo.push_async_callback(asyncio.to_thread, down, home)
        links = {"mongo": await undo.enter_async_context(proxying(mongo_port))}
        mongod, part = Mongod(home), _broker(home, broker)
        client_port = broker_port
        if isinstance(part, Kafka):
            links["kafka"] = await undo.enter_async_context(proxying(broker_port))
            client_port = links["kafka"].port
            part.advertised_port = client_port
        await asyncio.gather(
            asyncio.to_thread(mongod.start, mongo_port), asyncio.to_thread(part.start, broker_port)
        )
        servers = f"{LOOPBACK}:{client_port}"
        direct = Endpoints(embedded_uri(mongo_port), DATABASE, servers, broker)
        ground = Ground(home, mongod, mongo_port, part, broker_port, direct, links)
        undo.push_async_callback(ground.settle)
        yield ground


def _broker(home: Home, kind: EmbeddedBroker) -> Part:
    return Kafka(home) if kind == "kafka" else Tansu(home)
