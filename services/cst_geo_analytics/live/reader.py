"""Reading the log of request events: all partitions, without a group, from lately on.

A process reads for itself and commits nothing, so that any number of replicas tell their clients
everything. A broker that is away is waited for; one that comes back as another one has another log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from cst_bus.reading import Record
from cst_bus.topics_admin import REQUEST_TIMEOUT_MS, cluster_id, ensure_topics, physical
from cst_contracts.live_views import BrokerState
from cst_contracts.topics import REQUEST_EVENTS
from cst_core.clock import Clock, wall_now
from cst_core.errors import ConfigError, Unavailable
from cst_core.settings import Settings
from cst_core.tasks import cancel_all
from cst_geo_analytics.domain.live import Offsets, log_name
from cst_geo_analytics.live.hub import Hub
from cst_geo_analytics.live.log import Log
from cst_geo_analytics.live.ring import Ring
from cst_geo_analytics.live.translate import Translator

log = structlog.get_logger(__name__)

_CLIENT_LOG = logging.getLogger("aiokafka")

#: What of the log is read when a process begins, so that clients of another can resume here.
LOOK_BACK_S = 300.0
#: How long reading that may take before clients are let in anyway.
READ_UP_S = 10.0
#: Seconds between looks at the broker's identity, and before it is tried again.
WATCH_S = 2.0
#: How long it may take to say who it is.
ANSWER_S = 5.0
#: Records that are handled at a time, and how long to wait for the first, in milliseconds.
BATCH_RECORDS = 500
BATCH_WAIT_MS = 200

_AWAY = (KafkaError, OSError, Unavailable, ConfigError, TimeoutError)


class _OtherBroker(Unavailable):
    """The broker has another identity than the log that is read."""


@dataclass
class _Place:
    """A consumer, and the log that it reads into."""

    consumer: AIOKafkaConsumer
    log: Log
    partitions: list[TopicPartition]


class LogReader:
    """Reads into a hub for as long as its process runs."""

    def __init__(self, settings: Settings, clock: Clock, translator: Translator, hub: Hub) -> None:
        self._settings = settings
        self._clock = clock
        self._translator = translator
        self._hub = hub
        self._topic = physical(REQUEST_EVENTS.name, settings.topic_prefix)

    async def run(self) -> None:
        """Read until cancelled; whatever the broker does, begin again."""
        while True:
            try:
                await self._read()
            except OffsetOutOfRangeError:
                log.warning("live map: the broker has lost what came next; beginning anew")
                self._hub.log = None
            except _AWAY as error:
                self._note("away", error)
                await asyncio.sleep(WATCH_S)

    async def _read(self) -> None:
        name = log_name(await self._cluster(), self._topic)
        await ensure_topics(
            self._settings.kafka,
            [REQUEST_EVENTS],
            prefix=self._settings.topic_prefix,
            volatile=not self._settings.kafka_idempotent,
        )
        async with self._consumer() as consumer:
            place = await self._begin(consumer, name)
            tasks = [
                asyncio.create_task(self._follow(place)),
                asyncio.create_task(self._watch(name)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await cancel_all(tasks)

    async def _cluster(self) -> str:
        async with asyncio.timeout(ANSWER_S):
            return await cluster_id(self._settings.kafka)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            auto_offset_reset="none",
            enable_auto_commit=False,
            # What a relay's transaction took back was never sent.
            isolation_level="read_committed",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def _begin(self, consumer: AIOKafkaConsumer, name: str) -> _Place:
        """Seek to where this hub is in the log, or to where it begins in a new one."""
        partitions = [TopicPartition(self._topic, n) for n in range(REQUEST_EVENTS.partitions)]
        consumer.assign(partitions)
        known = self._hub.log
        if known is None or known.name != name:
            offsets, kept = await _lately(consumer, partitions), self._settings.live_events
            known = Log(name, Ring(offsets, kept), offsets, ahead=kept, since=self._news_since())
        for partition, offset in zip(partitions, known.end, strict=True):
            consumer.seek(partition, offset)
        return _Place(consumer, known, partitions)

    def _news_since(self) -> datetime | None:
        """Return from when on events are news: the embedded broker is sent all again when empty."""
        if self._settings.kafka_idempotent:
            return None
        return self._clock.now() - timedelta(seconds=LOOK_BACK_S * max(self._clock.rate, 1.0))

    async def _follow(self, place: _Place) -> None:
        """Read on; a new log is read up to its end before clients hear of it."""
        deadline = time.monotonic() + READ_UP_S
        while True:
            found = await place.consumer.getmany(
                timeout_ms=BATCH_WAIT_MS, max_records=BATCH_RECORDS
            )
            records = [record for batch in found.values() for record in batch]
            if records:
                await self._take_in(place.log, records)
            if self._hub.log is not place.log:
                place.log.flush()
                if time.monotonic() > deadline or await _read_up(place):
                    self._hub.follow(place.log)
                    self._note("up")

    async def _take_in(self, into: Log, records: Sequence[Record]) -> None:
        entries = await self._translator.entries(records, into.since)
        end = list(into.end)
        for record in records:
            end[record.partition] = record.offset + 1
        # Nothing is awaited from here on: events and position stay together.
        into.gather(entries, tuple(end), min(record.timestamp for record in records))

    async def _watch(self, name: str) -> None:
        """End when the broker is another one; note whether it can be reached."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                found = log_name(await self._cluster(), self._topic)
            except _AWAY as error:  # the consumer waits for it, too
                self._note("away", error)
                continue
            if found != name:
                self._hub.log = None
                raise _OtherBroker("the broker is another one than before")
            if self._hub.log is not None:
                self._note("up")

    def _note(self, broker: BrokerState, error: BaseException | None = None) -> None:
        """Tell clients and the log how it is, once."""
        if not self._hub.reach(broker):
            return
        # An absent broker's client would say so dozens of times a second.
        _CLIENT_LOG.setLevel(logging.CRITICAL if broker == "away" else logging.WARNING)
        if error is not None:
            log.warning("live map: the broker does not answer", error=str(error)[:200])


async def _lately(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> Offsets:
    """Return the offsets of what came within the last ``LOOK_BACK_S``, or of what comes next."""
    since_ms = int((wall_now().timestamp() - LOOK_BACK_S) * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    ends = await consumer.end_offsets(partitions)
    return tuple(found[tp].offset if found.get(tp) else ends[tp] for tp in partitions)


async def _read_up(place: _Place) -> bool:
    """Tell whether everything that the broker had at the last answer was read."""
    for partition in place.partitions:
        highwater = place.consumer.highwater(partition)
        if highwater is None or await place.consumer.position(partition) < highwater:
            return False
    return True
