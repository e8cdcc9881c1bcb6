"""Rebuild: send again from the collection what the broker or the oplog has lost."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from cst_core.clock import wall_now
from cst_mongo.client import Collection
from cst_relay.checkpoint import Checkpoint, Rebuild
from cst_relay.domain.records import Position, Reading
from cst_relay.feed import Feed
from cst_relay.metrics import RelayMetrics
from cst_relay.orders import Order
from cst_relay.reader import Reader

log = structlog.get_logger(__name__)

_REPORT_S = 5.0


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker as it is found: its identity, and the next offset of each partition."""

    cluster_id: str
    offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rebuild to be done: from when (all, where None), why, and whether something was lost."""

    since: datetime | None
    reason: str
    lost: bool


def plan_rebuild(
    checkpoint: Checkpoint | None, broker: Broker, stream_lost: str | None, overlap: timedelta
) -> Plan | None:
    """Say what must be sent again before the stream can go on; None where nothing must.

    Args:
        checkpoint: how far the feed had come, None where it never began.
        broker: as it is found.
        stream_lost: why the stream cannot go on after the checkpoint's token, None where it can.
        overlap: how far before the last acknowledged time to begin.
    """
    if checkpoint is None:
        return Plan(None, "nothing was sent yet", lost=False)
    if checkpoint.cluster_id != broker.cluster_id:
        return Plan(None, "the broker is another one than before", lost=True)
    for partition, offset in sorted(checkpoint.offsets.items()):
        if broker.offsets.get(partition, 0) <= offset:
            return Plan(None, f"the broker has lost records of partition {partition}", lost=True)
    interrupted = checkpoint.rebuild
    if interrupted is not None:
        return Plan(interrupted.since, f"interrupted: {interrupted.reason}", lost=False)
    if stream_lost is None and checkpoint.token is not None:
        return None
    acked = checkpoint.acked_through
    since = None if acked is None else acked - overlap
    return Plan(since, stream_lost or "there is no position to go on from", lost=True)


def with_order(
    plan: Plan | None, order: Order, checkpoint: Checkpoint | None, overlap: timedelta
) -> Plan:
    """Return the rebuild that was asked for, wide enough for what is due anyway.

    It goes on with a fresh stream, so it must also cover what the old one had not brought yet.
    """
    if plan is None:
        acked = checkpoint.acked_through if checkpoint else None
        due = None if acked is None else acked - overlap
        plan = Plan(due, "asked for by an operator", lost=False)
    if plan.since is None or order.since is None:
        return Plan(None, plan.reason, lost=False)
    return Plan(min(plan.since, order.since), plan.reason, lost=False)


def begin(checkpoint: Checkpoint | None, broker: Broker, plan: Plan) -> Checkpoint:
    """Return the checkpoint that says that the rebuild runs."""
    before = checkpoint or Checkpoint(broker.cluster_id)
    same = before.cluster_id == broker.cluster_id and plan.since is not None
    return Checkpoint(
        cluster_id=broker.cluster_id,
        token=before.token if same else None,
        at=before.at,
        acked_through=before.acked_through if same else None,
        offsets=before.offsets if same else {},
        sent=before.sent,
        rebuild=Rebuild(plan.since, plan.reason, wall_now()),
    )


class Rebuilder:
    """Queues the records of a rebuild, ending with the position from which the stream goes on."""

    def __init__(
        self, feed: Feed, collection: Collection, reader: Reader, metrics: RelayMetrics
    ) -> None:
        self._feed = feed
        self._collection = collection
        self._reader = reader
        self._metrics = metrics
        self._stopped = False

    def stop(self) -> None:
        """Let ``run`` return after the document under way."""
        self._stopped = True

    async def run(self, plan: Plan) -> Mapping[str, Any] | None:
        """Queue everything; return the token to go on from, None where it was stopped.

        The token is taken first: what is written while documents are read comes by the stream.
        """
        log.warning("rebuild begins", feed=self._feed.name, since=plan.since, reason=plan.reason)
        self._metrics.rebuilds.inc()
        hello = await self._collection.database.command("hello")
        token = await self._reader.fresh_token()
        records, report_at = 0, time.monotonic() + _REPORT_S
        async for document in self._feed.documents(self._collection, plan.since):
            if self._stopped:
                return None
            reading = self._feed.read_document(document)
            await self._reader.put(reading, None)
            records += len(reading.records)
            self._metrics.repeated.inc(len(reading.records))
            if time.monotonic() >= report_at:
                log.info("rebuild goes on", feed=self._feed.name, records=records)
                report_at = time.monotonic() + _REPORT_S
        end = Position(token, None, hello["localTime"], rebuilt=True)
        await self._reader.put(Reading([]), end)
        log.info("rebuild has read everything", feed=self._feed.name, records=records)
        return token
