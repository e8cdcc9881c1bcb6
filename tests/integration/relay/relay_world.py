"""What the relay's tests share: a city of its own, its ledger, and a view of the topic."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from cst_bus.topics_admin import physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.clock import Clock
from cst_core.settings import load_settings
from cst_ledger.events import By, NewEvent
from cst_ledger.ledger import LOGS, REQUESTS, Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database, open_database
from cst_mongo.indexes import migrate
from cst_mongo.transactions import transact
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.main import run_relay
from cst_relay.request_events import RequestEvents
from cst_relay.settings import RelaySettings
from cst_stack import Endpoints
from cst_testkit.factories import created_event
from cst_testkit.waiting import poll_until, wait_until

SYSTEM = By("system", "test")
FEED = RequestEvents.name
Records = list[ConsumerRecord[bytes, bytes]]


def deferred(number: int = 0) -> NewEvent:
    """Return an event that changes nothing, so that any number of them can follow each other."""
    meta = {"reason": f"nobody {number}", "next_try_at": datetime(2026, 3, 3, tzinfo=UTC)}
    return NewEvent("assignment_deferred", SYSTEM, meta=meta)


@dataclass(frozen=True)
class World:
    """A city with a database and topics of its own."""

    endpoints: Endpoints
    db: Database
    environ: Mapping[str, str]

    @property
    def topic(self) -> str:
        return physical(REQUEST_EVENTS.name, self.environ["CST_TOPIC_PREFIX"])

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.db, "dispatch", RuleBook.shipped(), Clock())

    @property
    def intake(self) -> Ledger:
        return Ledger(self.db, "intake", RuleBook.shipped(), Clock())

    def settings(self, **values: Any) -> RelaySettings:
        return load_settings(RelaySettings, **{**self.environ, **values})

    async def create(self, *request_ids: str) -> None:
        """Create requests, each in a transaction of its own."""
        for request_id in request_ids:
            await transact(
                self.db, lambda s, r=request_id: self.intake.create(r, created_event(), s)
            )

    async def append(self, request_id: str, *, times: int = 1, each: int = 1) -> None:
        """Append events to a request: ``times`` transactions of ``each`` events."""
        for number in range(times):
            await self.ledger.record(
                request_id, lambda _, n=number: [deferred(n) for _ in range(each)]
            )

    async def checkpoint(self) -> dict[str, Any]:
        """Return the checkpoint's document; empty where there is none."""
        return await self.db[CHECKPOINTS.name].find_one({"_id": FEED}) or {}

    async def stored(self) -> dict[str, list[str]]:
        """Return the event ids of every request in the ledger, in order."""
        found: dict[str, list[str]] = {}
        async for log in self.db[LOGS.name].find().sort([("request_id", 1), ("bucket", 1)]):
            for event in log["event_stream"]:
                found.setdefault(event["subject"], []).append(event["event_id"])
        return found

    async def all_relayed(self, view: View, timeout: float = 30) -> None:
        """Wait until a consumer that drops repeats has the ledger's events, in order."""
        stored = await self.stored()
        await view.until(lambda records: consumed(records) == stored, timeout, "the whole ledger")


def consumed(records: Records) -> dict[str, list[str]]:
    """Return the event ids of every request as a consumer keeps them: repeats dropped, no gap."""
    found: dict[str, list[str]] = {}
    for record in records:
        event = orjson.loads(record.value or b"")
        ids = found.setdefault((record.key or b"").decode(), [])
        assert event["seq"] <= len(ids), f"{event['subject']}: {event['seq']} before {len(ids)}"
        if event["seq"] == len(ids):
            ids.append(event["id"])
    return found


class View:
    """Everything in a topic, from its beginning, as it grows."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.records: Records = []

    async def poll(self, timeout_ms: int = 50) -> None:
        for batch in (await self._consumer.getmany(timeout_ms=timeout_ms)).values():
            self.records.extend(batch)

    async def until(
        self, predicate: Callable[[Records], object], timeout: float, what: str
    ) -> None:
        async def grown() -> bool:
            await self.poll()
            return bool(predicate(self.records))

        await wait_until(grown, timeout, what)


@asynccontextmanager
async def viewing(
    endpoints: Endpoints, topic: str, partitions: int = 6, *, committed: bool = False
) -> AsyncIterator[View]:
    """Watch a topic that exists; ``committed``: only what transactions have committed."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=endpoints.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed" if committed else "read_uncommitted",
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in range(partitions)])
        yield View(consumer)
    finally:
        await consumer.stop()


@asynccontextmanager
async def new_world(endpoints: Endpoints) -> AsyncIterator[World]:
    """Make a city whose name nobody else has, on a stack."""
    name = f"relay-{uuid.uuid4().hex[:10]}"
    environ = {
        "MONGO_URI": endpoints.mongo_uri,
        "MONGO_DB": name,
        "KAFKA_BOOTSTRAP_SERVERS": endpoints.kafka_bootstrap_servers,
        "CST_TOPIC_PREFIX": f"{name}.",
        "CST_KAFKA_IDEMPOTENT": str(int(endpoints.broker != "tansu")),
        "CST_RELAY_FEEDS": FEED,
        "CST_RELAY_HEARTBEAT_S": "0.5",
        "CST_RELAY_READ_AWAIT_MS": "100",
        "CST_RELAY_BROKER_CHECK_S": "0.5",
    }
    async with open_database(endpoints.mongo_uri, name, app="test") as db:
        await migrate(db, [LOGS, REQUESTS, CHECKPOINTS])
        yield World(endpoints, db, environ)
        with suppress(Exception):
            await db.client.drop_database(name)


@asynccontextmanager
async def relaying(world: World, **values: Any) -> AsyncIterator[asyncio.Task[None]]:
    """Run a relay in this process during the block and stop it in good order."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_relay(world.settings(**values), stop))
    try:
        await first_checkpoint(world, task)
        yield task
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)
    task.result()


async def first_checkpoint(world: World, task: asyncio.Task[None] | None = None) -> None:
    """Wait until the relay of a world follows the stream."""

    async def begun() -> bool:
        if task is not None and task.done():
            task.result()
        found = await world.checkpoint()
        return found.get("token") is not None and found["rebuild"] is None

    await wait_until(begun, 20, "the relay's first checkpoint")


@asynccontextmanager
async def relay_process(world: World, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a relay in a process of its own; what is left of it at the end is killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cst_relay.main", env={**os.environ, **world.environ, **environ}
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def kill(process: asyncio.subprocess.Process) -> None:
    """End a process as a power cut would."""
    process.send_signal(signal.SIGKILL)
    await process.wait()


def roll_oplog(uri: str, token: Any) -> None:
    """Write until the oplog no longer reaches back to ``token``."""
    with MongoClient[dict[str, Any]](uri) as client:
        other = client["other"]["filler"]

        def lost() -> bool:
            other.insert_many([{"x": "x" * 250_000} for _ in range(40)])
            try:
                client["other"]["nothing"].watch(start_after=token).close()
            except OperationFailure as error:
                return error.code == 286
            return False

        poll_until(lost, 60, "the oplog to be cut")
