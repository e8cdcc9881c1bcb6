"""The hub: what was read of the log goes out in frames, to every client at its own pace."""

from __future__ import annotations

import asyncio
import time

import structlog

from cst_contracts.live_views import BrokerState
from cst_core.clock import wall_now
from cst_core.errors import Unavailable
from cst_geo_analytics.live import metrics
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.log import Log

log = structlog.get_logger(__name__)

#: Seconds between frames.
FRAME_S = 0.25
#: A client to which one write takes so long, in seconds, does not read.
STALLED_S = 10.0
#: When a client that was one too many may try again, in seconds.
RETRY_AFTER_S = 30


class Hub:
    """What all clients of a process share.

    Args:
        max_clients: how many there may be.
        heartbeat_s: seconds between heartbeats.

    Attributes:
        log: the log as it is read; None until it was read up for the first time.
        broker: whether it can be reached.
        beats: counts the heartbeats.
        closing: the process ends.
    """

    def __init__(self, max_clients: int, heartbeat_s: float) -> None:
        self._max_clients = max_clients
        self._heartbeat_s = heartbeat_s
        self._clients: dict[Client, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self.log: Log | None = None
        self.broker: BrokerState = "connecting"
        self.beats = 0
        self.closing = False

    def admit(self) -> None:
        """Let one more client in.

        Raises:
            Unavailable: there are as many as there may be, or the process ends.
        """
        if self.closing or len(self._clients) >= self._max_clients:
            metrics.REFUSED.inc()
            why = "this process ends" if self.closing else f"{self._max_clients} clients are here"
            raise Unavailable(f"no room for a live stream: {why}", retry_after_s=RETRY_AFTER_S)

    def enter(self, client: Client, writing: asyncio.Task[None]) -> None:
        """Note a client, and the task that writes to it."""
        self._clients[client] = writing
        metrics.CLIENTS.set(len(self._clients))

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.pop(client, None)
        metrics.CLIENTS.set(len(self._clients))

    async def news(self) -> None:
        """Return when there is something for clients to look at."""
        await self._news.wait()

    def _wake(self) -> None:
        woken, self._news = self._news, asyncio.Event()
        woken.set()

    def close(self) -> None:
        """End all streams: the process is about to end."""
        self.closing = True
        self._wake()

    def reach(self, broker: BrokerState) -> bool:
        """Note whether the broker can be reached; True where that is news."""
        if broker == self.broker:
            return False
        self.broker = broker
        self._wake()
        return True

    def follow(self, new: Log) -> None:
        """Go on with another log; clients of the one before are told to start over."""
        self.log = new
        self._wake()

    async def pace(self) -> None:
        """Make frames and heartbeats, and drop clients that do not read, until cancelled."""
        beat_at = time.monotonic() + self._heartbeat_s
        while True:
            await asyncio.sleep(FRAME_S)
            self._flush()
            if time.monotonic() >= beat_at:
                beat_at += self._heartbeat_s
                self.beats += 1
                self._wake()
            self._drop_stalled()

    def _flush(self) -> None:
        if self.log is None:
            return
        oldest_ms, frame = self.log.oldest_ms, self.log.flush()
        if frame is None:
            return
        self._wake()
        metrics.FRAMES.inc()
        metrics.EVENTS.inc(len(frame.told))
        metrics.KEPT.set(self.log.ring.events)
        if oldest_ms is not None:
            metrics.LAG.set(max(0.0, wall_now().timestamp() - oldest_ms / 1000))

    def _drop_stalled(self) -> None:
        limit = time.monotonic() - (FRAME_S if self.closing else STALLED_S)
        for client, writing in list(self._clients.items()):
            if client.sending_since is not None and client.sending_since < limit:
                log.info("a live client does not read; dropped")
                metrics.DROPPED.inc()
                self.leave(client)
                writing.cancel()
