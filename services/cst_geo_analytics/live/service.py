"""The live map as the API uses it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from cst_core.errors import Unavailable
from cst_core.tasks import cancel_all
from cst_geo_analytics.domain.live_query import LiveQuery
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.hub import Hub
from cst_geo_analytics.live.reader import LogReader
from cst_geo_analytics.live.stream import LiveStream
from cst_geo_analytics.live.translate import Translator
from cst_http.closing import when_told_to_end
from cst_process.core import Core

log = structlog.get_logger(__name__)

#: Pause before what has failed is begun again, in seconds.
AGAIN_S = 1.0


class LiveMap:
    """Streams of what happens on the map."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._hub = Hub(core.settings.live_clients, core.settings.live_heartbeat_s)

    async def stream(
        self, query: LiveQuery, resume: str | None, *, staff: bool, ends_at: float | None
    ) -> LiveStream:
        """Return a client's stream.

        Args:
            query: the filter.
            resume: the Last-Event-ID; None for a stream from now on.
            staff: whether the caller sees what is not public, too.
            ends_at: when the caller's token expires, in seconds since 1970.

        Raises:
            InvalidInput: an unknown category, or a bbox that is none.
            Unavailable: this process has no broker, or no room for another client.
        """
        wanted = query.wanted(await self._core.catalog.get(), staff=staff)
        if not self._core.settings.kafka:
            raise Unavailable("there is no live map where KAFKA_BOOTSTRAP_SERVERS is not set")
        self._hub.admit()
        return LiveStream(self._hub, Client(self._hub, wanted, resume, ends_at))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the log during the block; end the streams when the process is told to end."""
        core, hub = self._core, self._hub
        if not core.settings.kafka:
            yield
            return
        reader = LogReader(core.settings, core.clock, Translator(core.db), hub)
        tasks = [asyncio.create_task(_kept_up(work)) for work in (reader.run, hub.pace)]
        try:
            with when_told_to_end(hub.close):
                yield
        finally:
            hub.close()
            await cancel_all(tasks)


async def _kept_up(work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work`` until cancelled; what it did not expect must not leave streams without events."""
    while True:
        try:
            await work()
        except Exception as error:
            log.error("live map: unexpected; beginning again", exc_info=error)
        await asyncio.sleep(AGAIN_S)
