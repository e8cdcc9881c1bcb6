"""An API with a live map behind a real server, and what brings the ledger's news to its topic."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from cst_bus.producer import make_producer
from cst_bus.topics_admin import ensure_topics, physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_ledger.ledger import LOGS
from cst_mongo.client import Database
from cst_stack import Endpoints
from cst_stack.ports import LOOPBACK, free_port
from cst_testkit.apps import Api, running_api
from cst_testkit.records import record_of
from cst_testkit.streams import EventStream, listening
from cst_testkit.waiting import wait_until

LIVE = "/analytics/live"
Told = tuple[str, int]


class Feed:
    """Stands in for the relay: sends what is new in the ledger, in order per request."""

    def __init__(self, db: Database, producer: AIOKafkaProducer, prefix: str) -> None:
        self._db = db
        self._producer = producer
        self._topic = physical(REQUEST_EVENTS.name, prefix)
        self._next_seq: dict[str, int] = {}

    async def send_new(self) -> None:
        """Send what was written since the last time."""
        async for log in self._db[LOGS.name].find().sort([("request_id", 1), ("bucket", 1)]):
            for event in log["event_stream"]:
                if event["seq"] >= self._next_seq.get(event["subject"], 0):
                    self._next_seq[event["subject"]] = event["seq"] + 1
                    await self.send_event(event)
        await self._producer.flush()

    async def send_event(self, event: Mapping[str, Any]) -> None:
        """Send a stored event, or one that looks like it."""
        record = record_of(dict(event))
        await self.send(record.key, record.value)

    async def send(self, key: bytes | None, value: bytes | None) -> None:
        """Send whatever it is."""
        await self._producer.send(self._topic, key=key, value=value)


@asynccontextmanager
async def feeding(stack: Endpoints, db: Database, prefix: str) -> AsyncIterator[Feed]:
    """Make the topics below ``prefix`` and return a feed into them."""
    volatile = stack.broker == "tansu"
    where = stack.kafka_bootstrap_servers
    await ensure_topics(where, [REQUEST_EVENTS], prefix=prefix, volatile=volatile)
    producer = make_producer(where, idempotent=not volatile)
    await producer.start()
    try:
        yield Feed(db, producer, prefix)
    finally:
        await producer.stop()


@dataclass(frozen=True)
class LiveApi:
    """A running API, its address, and the feed of its topic."""

    api: Api
    url: str
    feed: Feed

    def listen(
        self, query: Mapping[str, Any] | None = None, **headers: str
    ) -> AbstractAsyncContextManager[EventStream]:
        """Listen to the live map."""
        return listening(self.url, LIVE, query, **headers)

    async def file(self, **overrides: Any) -> str:
        """File a report, send its events, and return its number."""
        request_id: str = (await self.api.file(**overrides))["request_id"]
        await self.feed.send_new()
        return request_id

    async def file_and_tell(self, **overrides: Any) -> str:
        """File a report and return its number once the live map has told of it."""
        async with self.listen() as stream:
            await stream.begun()
            request_id = await self.file(**overrides)
            await wait_until(lambda: (request_id, 0) in stream.events, 20, request_id)
        return request_id


async def heard(stream: EventStream, *expected: Told) -> None:
    """Wait until the stream has told all of ``expected``; nothing else was told, and nothing twice.

    Only the events of one request have an order.
    """
    await wait_until(lambda: {*expected} <= {*stream.events}, 20, f"{expected} in {stream.blocks}")
    assert sorted(stream.events) == sorted(expected)


@asynccontextmanager
async def live_api(stack: Endpoints, **settings: Any) -> AsyncIterator[LiveApi]:
    """Run an API over a fresh New York, with topics of its own."""
    prefix = f"{uuid.uuid4().hex[:8]}."
    values = {
        "kafka": stack.kafka_bootstrap_servers,
        "kafka_idempotent": stack.broker != "tansu",
        "topic_prefix": prefix,
        **settings,
    }
    async with (
        running_api(stack.mongo_uri, **values) as api,
        feeding(stack, api.core.db, prefix) as feed,
        served(api.app) as url,
    ):
        yield LiveApi(api, url, feed)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an app whose lifespan runs already; returns its address."""
    port = free_port()
    config = uvicorn.Config(
        app,
        host=LOOPBACK,
        port=port,
        lifespan="off",
        log_level="error",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await wait_until(lambda: server.started, 30, "the server to listen")
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await serving
