"""The run loop: wait for leadership, relay, start over after errors that pass."""

from __future__ import annotations

import asyncio
import random
import time

import structlog

from cst_core.errors import ConfigError
from cst_mongo.client import Database
from cst_mongo.leases import Leases, holder_name
from cst_relay.broker_watch import BrokerWatch
from cst_relay.errors import is_history_lost, is_passing, refusal
from cst_relay.feed import Feed
from cst_relay.lease import Leadership
from cst_relay.metrics import RelayMetrics
from cst_relay.settings import RelaySettings
from cst_relay.tasks import first_end, together
from cst_relay.term import Term

log = structlog.get_logger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
#: A term that lasted this long counts as a success.
STEADY_S = 30.0
#: How often a waiting relay tries for the lease, per time to live.
_TRIES = 5


class Backoff:
    """Waits that double from 0.5 s to 30 s, each shortened at random by up to a half."""

    def __init__(self) -> None:
        self._next_s = FIRST_WAIT_S

    def reset(self) -> None:
        self._next_s = FIRST_WAIT_S

    def next(self) -> float:
        """Return the next wait in seconds."""
        wait = self._next_s
        self._next_s = min(wait * 2, LONGEST_WAIT_S)
        return wait * random.uniform(0.5, 1.0)


class Relay:
    """Relays one feed for as long as the process lives."""

    def __init__(
        self,
        settings: RelaySettings,
        feed: Feed,
        db: Database,
        metrics: RelayMetrics,
        broker_watch: BrokerWatch,
    ) -> None:
        self._settings = settings
        self._feed = feed
        self._db = db
        self._metrics = metrics
        self._broker_watch = broker_watch
        self._leases = Leases(db, ttl_s=settings.lease_ttl_s)
        self._holder = holder_name()
        self._stream_lost: str | None = None

    @property
    def name(self) -> str:
        """Name of its feed."""
        return self._feed.name

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set.

        Raises:
            ConfigError: trying again cannot help; one line says why.
        """
        backoff = Backoff()
        while not stop.is_set():
            began = time.monotonic()
            try:
                await self._term(stop)
            except Exception as error:
                self._judge(error)
                if time.monotonic() - began > STEADY_S:
                    backoff.reset()
                await _sleep(backoff.next(), stop)

    def _judge(self, error: Exception) -> None:
        """Note an error that passes; raise what does not."""
        reason = refusal(error)
        if reason is not None:
            raise ConfigError(reason) from error
        if not is_passing(error):
            raise error
        if is_history_lost(error):
            self._stream_lost = f"the stream broke off: {error}"[:300]
        self._metrics.role = "retrying"
        self._metrics.reconnects.inc()
        self._metrics.error = f"{type(error).__name__}: {error}"[:300]
        log.warning("starting over", feed=self._feed.name, error=self._metrics.error)

    async def _term(self, stop: asyncio.Event) -> None:
        leadership = await self._lead(stop)
        if leadership is None:
            return
        log.info("leading", feed=self._feed.name, epoch=leadership.epoch)
        self._metrics.role = "leader"
        term = Term(
            self._settings, self._feed, self._db, leadership, self._metrics, self._broker_watch
        )
        stream_lost, self._stream_lost = self._stream_lost, None
        try:
            async with together(lease=leadership.keep(), term=term.run(stop, stream_lost)) as tasks:
                await first_end(tasks)
        finally:
            await leadership.release()

    async def _lead(self, stop: asyncio.Event) -> Leadership | None:
        """Wait until this relay leads; None when it is stopped first."""
        name = f"relay:{self._feed.name}"
        while not stop.is_set():
            leadership = await Leadership.acquire(self._leases, name, self._holder)
            if leadership is not None:
                return leadership
            self._metrics.role = "standby"
            await _sleep(self._settings.lease_ttl_s / _TRIES, stop)
        return None


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
