"""The broker's identity, asked once for all feeds of a process."""

from __future__ import annotations

import asyncio
import time

from aiokafka.errors import KafkaError

from cst_bus.topics_admin import cluster_id


class BrokerWatch:
    """Asks every ``every_s`` seconds who the broker is."""

    def __init__(self, bootstrap: str, every_s: float) -> None:
        self._bootstrap = bootstrap
        self._every_s = every_s
        self._found: str | None = None
        self._answered = asyncio.Event()
        #: Since when it does not answer (monotonic seconds); None while it does.
        self.unreachable_since: float | None = None

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                self._found = await cluster_id(self._bootstrap)
            except (KafkaError, OSError):
                self.unreachable_since = self.unreachable_since or time.monotonic()
            else:
                self.unreachable_since = None
                self._answered.set()

    async def other_than(self, expected: str) -> str:
        """Wait until another broker than ``expected`` answers, also while nothing is sent."""
        while True:
            self._answered.clear()
            await self._answered.wait()
            if self._found is not None and self._found != expected:
                return self._found
