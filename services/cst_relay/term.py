"""A term of leadership: from the claim of the checkpoint to the last acknowledgement."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import OperationFailure, PyMongoError

from cst_bus.topics_admin import cluster_id, end_offsets, ensure_topics, physical
from cst_mongo.client import Database
from cst_relay.broker_watch import BrokerWatch
from cst_relay.checkpoint import Checkpoint, CheckpointKeeper, CheckpointStore
from cst_relay.errors import BrokerForgot, HistoryLost, RebuildAsked, StreamEnded, is_history_lost
from cst_relay.feed import Feed
from cst_relay.journal import CHECKPOINT_TOPIC, CheckpointJournal, later
from cst_relay.lease import Leadership
from cst_relay.metrics import RelayMetrics
from cst_relay.orders import Order, Orders
from cst_relay.outlet import Outlet, open_outlet
from cst_relay.queue import EntryQueue
from cst_relay.reader import Reader, Stream
from cst_relay.rebuild import Broker, Plan, Rebuilder, begin, plan_rebuild, with_order
from cst_relay.sender import Destination, Sender
from cst_relay.settings import RelaySettings
from cst_relay.tasks import first_end, together

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
OPLOG_CHECK_S = 60.0
ORDER_CHECK_S = 1.0


class Term:
    """One feed under one lease. ``run`` it once."""

    def __init__(
        self,
        settings: RelaySettings,
        feed: Feed,
        db: Database,
        leadership: Leadership,
        metrics: RelayMetrics,
        broker_watch: BrokerWatch,
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._db = db
        self._leadership = leadership
        self._metrics = metrics
        self._broker_watch = broker_watch
        naive = db.codec_options.with_options(tz_aware=False, tzinfo=None)
        self._collection = db[feed.collection].with_options(codec_options=naive)
        self._store = CheckpointStore(db, feed.name, leadership.epoch)
        self._orders = Orders(db, feed.name)
        self._journal = (
            CheckpointJournal(settings.kafka, settings.topic_prefix, feed.name)
            if settings.exactly_once
            else None
        )
        self._queue = EntryQueue(
            max_entries=settings.queue_records, max_bytes=settings.queue_mib * MIB
        )
        metrics.queued.set_function(lambda: len(self._queue))
        self._reader = Reader(
            feed,
            self._collection,
            self._queue,
            metrics,
            batch_size=settings.read_batch,
            await_ms=settings.read_await_ms,
            heartbeat_s=settings.heartbeat_s,
        )
        self._rebuilder = Rebuilder(feed, self._collection, self._reader, metrics)

    async def run(self, stop: asyncio.Event, stream_lost: str | None) -> None:
        """Relay until ``stop`` is set, then send what was read and return.

        Args:
            stop: ends the term in good order.
            stream_lost: why the stream broke off in the term before, where it cannot go on.

        Raises:
            HistoryLost: something was lost, and the policy is to stop.
            Exception: what went wrong; nothing after it was sent and the checkpoint is behind it.
        """
        # Claims come first: what an earlier leader may still write, it has written by now.
        stored = await self._store.claim()
        broker = await self._meet_broker()
        async with open_outlet(self._settings, self._feed.name, self._journal) as outlet:
            checkpoint = later(stored, await self._journal.read() if self._journal else None)
            order = await self._orders.pending()
            plan = self._plan(checkpoint, broker, stream_lost, order)
            stream = None
            if plan is None:
                assert checkpoint is not None
                stream, reason = await self._resume(checkpoint)
                plan = None if stream else self._plan(checkpoint, broker, reason, order)
            if plan is not None:
                checkpoint = begin(checkpoint, broker, plan)
                await outlet.commit(checkpoint)
                await self._store.save(checkpoint)
            if order is not None:
                await self._orders.begun(order)
            assert checkpoint is not None
            keeper = CheckpointKeeper(self._store, checkpoint, self._settings.checkpoint_ms / 1000)
            sender = self._sender(outlet, broker, keeper)
            await self._relay(stop, broker, keeper, sender, self._read(plan, stream))

    async def _resume(self, checkpoint: Checkpoint) -> tuple[Stream | None, str]:
        """Open the stream where the checkpoint is; or say why it cannot go on from there."""
        try:
            return await self._reader.open(checkpoint.token), ""
        except OperationFailure as error:
            # What a server answers to a token it cannot read has no fixed code: where a stream
            # without token opens, the token is to blame.
            if not is_history_lost(error):
                await (await self._reader.open(None)).close()
            return None, f"MongoDB cannot resume: {_brief(error)} (code {error.code})"

    def _plan(
        self,
        checkpoint: Checkpoint | None,
        broker: Broker,
        stream_lost: str | None,
        order: Order | None,
    ) -> Plan | None:
        overlap = timedelta(seconds=self._settings.overlap_s)
        plan = plan_rebuild(checkpoint, broker, stream_lost, overlap)
        if order is not None:
            return with_order(plan, order, checkpoint, overlap)
        if plan is not None and plan.lost and self._settings.on_history_lost == "fail":
            raise HistoryLost(
                f"feed {self._feed.name}: {plan.reason}; `cst relay rebuild` (or "
                "CST_RELAY_ON_HISTORY_LOST=rebuild) sends from the ledger again"
            )
        return plan

    async def _meet_broker(self) -> Broker:
        settings, topic = self._settings, self._feed.topic
        await ensure_topics(
            settings.kafka,
            [topic, CHECKPOINT_TOPIC] if settings.exactly_once else [topic],
            prefix=settings.topic_prefix,
            replication=settings.replication,
            volatile=not settings.kafka_idempotent,
        )
        name = physical(topic.name, settings.topic_prefix)
        return Broker(await cluster_id(settings.kafka), await end_offsets(settings.kafka, name))

    async def _relay(
        self,
        stop: asyncio.Event,
        broker: Broker,
        keeper: CheckpointKeeper,
        sender: Sender,
        source: Coroutine[Any, Any, None],
    ) -> None:
        async with together(
            source=source,
            sender=sender.run(),
            keeper=keeper.keep(),
            broker=self._watch_broker(broker.cluster_id),
            orders=self._watch_orders(),
            oplog=self._watch_oplog(),
            stop=stop.wait(),
        ) as tasks:
            await first_end(tasks)
            if not stop.is_set():
                raise StreamEnded(self._feed.name)
            await self._drain(tasks["source"], tasks["sender"])
            await keeper.flush()

    def _sender(self, outlet: Outlet, broker: Broker, keeper: CheckpointKeeper) -> Sender:
        topic, prefix = self._feed.topic, self._settings.topic_prefix
        destination = Destination(
            physical(topic.name, prefix),
            topic.partitions,
            physical(topic.dlq, prefix),
            broker.offsets,
        )
        return Sender(
            outlet,
            self._queue,
            destination,
            keeper,
            self._metrics,
            guard=self._leadership.check,
            timeout_s=self._settings.delivery_timeout_s,
        )

    async def _read(self, plan: Plan | None, stream: Stream | None) -> None:
        if plan is not None:
            token = await self._rebuilder.run(plan)
            if token is None:
                return
            stream = await self._reader.open(token)
        assert stream is not None
        await self._reader.run(stream)

    async def _drain(self, source: asyncio.Task[Any], sender: asyncio.Task[Any]) -> None:
        """Stop reading and send what was read, within the time a stop may take."""
        self._rebuilder.stop()
        self._reader.stop()
        try:
            async with asyncio.timeout(self._settings.stop_s):
                await asyncio.shield(source)
                self._queue.close()
                await asyncio.shield(sender)
        except TimeoutError:
            log.warning("stopped before all was sent", queued=len(self._queue))

    async def _watch_broker(self, expected: str) -> None:
        found = await self._broker_watch.other_than(expected)
        raise BrokerForgot(f"the broker is {found}, not {expected}")

    async def _watch_orders(self) -> None:
        while True:
            await asyncio.sleep(ORDER_CHECK_S)
            with suppress(PyMongoError):
                if await self._orders.pending() is not None:
                    raise RebuildAsked(self._feed.name)

    async def _watch_oplog(self) -> None:
        """Measure how far back the oplog reaches; needs the right to read ``local``."""
        oplog = self._db.client.local["oplog.rs"]
        while True:
            with suppress(PyMongoError):
                first = await oplog.find_one({}, {"ts": 1}, sort=[("$natural", ASCENDING)])
                last = await oplog.find_one({}, {"ts": 1}, sort=[("$natural", DESCENDING)])
                if first and last:
                    self._metrics.oplog_window.set(last["ts"].time - first["ts"].time)
            await asyncio.sleep(OPLOG_CHECK_S)


def _brief(error: OperationFailure) -> str:
    return str((error.details or {}).get("errmsg", error))[:200]
