"""The reader: from the change stream into the queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from pymongo.asynchronous.change_stream import AsyncChangeStream

from cst_mongo.client import Collection, Document
from cst_relay.domain.records import Entry, Position, Reading
from cst_relay.errors import StreamEnded
from cst_relay.feed import Feed, FullDocument
from cst_relay.metrics import RelayMetrics
from cst_relay.queue import EntryQueue

log = structlog.get_logger(__name__)

Stream = AsyncChangeStream[Document]
Token = Mapping[str, Any]

#: With ``required`` an expired image would end the stream (error 47), though the current document
#: tells as much of the state as a consumer needs.
IMAGES: FullDocument = "whenAvailable"


class Reader:
    """Reads one feed's change stream until it is told to stop.

    The collection yields naive datetimes, in UTC.
    A call of ``try_next`` must not be cancelled: the driver closes the stream then.
    """

    def __init__(
        self,
        feed: Feed,
        collection: Collection,
        queue: EntryQueue,
        metrics: RelayMetrics,
        *,
        batch_size: int,
        await_ms: int,
        heartbeat_s: float,
    ) -> None:
        self._feed = feed
        self._images = feed.full_document == IMAGES
        self._collection = collection
        self._queue = queue
        self._metrics = metrics
        self._batch_size = batch_size
        self._await_ms = await_ms
        self._heartbeat_s = heartbeat_s
        self._heartbeat_due = 0.0
        self._stopped = False

    async def open(self, token: Token | None) -> Stream:
        """Open the stream after ``token``, or at this moment where there is none."""
        # start_after also goes on after an invalidation, which resume_after refuses.
        return await self._collection.watch(
            self._feed.pipeline(),
            full_document=self._feed.full_document,
            full_document_before_change=IMAGES if self._images else None,
            start_after=token,
            batch_size=self._batch_size,
            max_await_time_ms=self._await_ms,
        )

    async def fresh_token(self) -> Token:
        """Return a position such that all that is before it can be read from the collection."""
        async with await self.open(None) as stream:
            while (token := stream.resume_token) is None:
                await stream.try_next()
            return token

    def stop(self) -> None:
        """Let ``run`` return after the call to the server under way (``await_ms`` at most)."""
        self._stopped = True

    async def run(self, stream: Stream) -> None:
        """Read ``stream``, and its successor should the collection be dropped.

        Raises:
            StreamEnded: the stream ended by itself.
            pymongo.errors.PyMongoError: it cannot go on; the driver has tried to resume it.
        """
        while not self._stopped:
            async with stream:
                invalidated = await self._follow(stream)
            if invalidated is None:
                return
            log.error("the collection was dropped or renamed", collection=self._feed.collection)
            stream = await self.open(invalidated)

    async def _follow(self, stream: Stream) -> Token | None:
        """Read until stopped (None) or until the stream is invalidated (where it goes on)."""
        while not self._stopped:
            change = await stream.try_next()
            if change is None:
                self._metrics.polled()
                if not stream.alive:
                    raise StreamEnded(self._feed.name)
                await self._heartbeat(stream)
            elif change["operationType"] == "invalidate":
                await self.put(Reading([]), Position(change["_id"]))
                return dict(change["_id"])
            else:
                await self._take(change)
        return None

    async def _take(self, change: Document) -> None:
        self._metrics.read()
        at = change.get("wallTime")
        reading = self._feed.read(change)
        if reading is None:
            reading = await self._read_document(change)
        written_at = _earlier(reading.written_at, at)
        await self.put(reading, Position(change["_id"], at, written_at))

    async def _read_document(self, change: Document) -> Reading:
        key = change["documentKey"]["_id"]
        said = {"document": str(key), "kind": change["operationType"], "feed": self._feed.name}
        if self._images:
            self._metrics.images_lost.inc()
            log.error("an image has expired: reading the current document instead", **said)
        else:
            log.warning("reading a whole document", **said)
        document = await self._collection.find_one({"_id": key}, self._feed.projection())
        return Reading([]) if document is None else self._feed.read_document(document)

    async def put(self, reading: Reading, position: Position | None) -> None:
        """Queue the records of a reading, which end at ``position``; waits for room."""
        queue = self._queue
        if queue.full:
            await queue.room()
        if not reading.records:
            queue.append(Entry(None, position))
            return
        for record in reading.records[:-1]:
            queue.append(Entry(record, more=True))
        queue.append(Entry(reading.records[-1], position))

    async def _heartbeat(self, stream: Stream) -> None:
        """Move the checkpoint of a quiet stream, lest it fall off the end of the oplog."""
        token = stream.resume_token
        if token is None or time.monotonic() < self._heartbeat_due:
            return
        self._heartbeat_due = time.monotonic() + self._heartbeat_s
        await self.put(Reading([]), Position(token))


def _earlier(written_at: datetime | None, at: datetime | None) -> datetime | None:
    """A writer's clock may be ahead of the server's; a rebuild must not begin too late."""
    if written_at is None or at is None:
        return written_at or at
    return min(written_at, at)
