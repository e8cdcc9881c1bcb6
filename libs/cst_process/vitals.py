"""What a process tells of itself: who it is, and how its consumers and relays are doing."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from cst_bus.broker import BATCH_RECORDS
from cst_bus.marks import Marks
from cst_bus.progress import Progress
from cst_core.clock import wall_now

#: So many events may wait, two batches; what is more counts as being behind.
BEHIND_EVENTS = 2 * BATCH_RECORDS
#: How long a consumer may take to say where it stands.
POSITION_S = 0.5


def _seconds_since(instant: float | None) -> float | None:
    return None if instant is None else round(time.monotonic() - instant, 1)


@dataclass(slots=True)
class ConsumerVitals:
    """How one consumer of this process is doing; ``client`` gives its Kafka client once started."""

    progress: Progress
    marks: Marks
    client: Callable[[], AIOKafkaConsumer | None]
    _parked: int | None = None
    _behind_since: float | None = None
    _unassigned_since: float | None = field(default_factory=time.monotonic)

    async def count_parked(self) -> None:
        """Ask the database how many of its requests are parked."""
        self._parked = await self.marks.parked()

    async def report(self) -> dict[str, Any]:
        """Return what there is to tell: counts, and seconds since when something is so."""
        partitions, waiting = await self._standing()
        self._unassigned_since = _since(self._unassigned_since, not partitions)
        self._behind_since = _since(self._behind_since, (waiting or 0) > BEHIND_EVENTS)
        progress = self.progress
        return {
            "consumer": progress.consumer,
            "handled": progress.handled,
            "parked": self._parked,
            "busy_s": _seconds_since(progress.busy_since),
            "failing_s": _seconds_since(progress.failing_since),
            "error": progress.error,
            "partitions": partitions,
            "waiting": waiting,
            "behind_s": _seconds_since(self._behind_since),
            "unassigned_s": _seconds_since(self._unassigned_since),
        }

    async def _standing(self) -> tuple[int, int | None]:
        """Its partitions, and how many events wait in them as far as the broker has told."""
        client = self.client()
        if client is None:
            return 0, None
        assigned, waiting = client.assignment(), 0
        try:
            async with asyncio.timeout(POSITION_S):
                for partition in assigned:
                    position = await client.position(partition)
                    waiting += max(0, (client.highwater(partition) or 0) - position)
        except (KafkaError, TimeoutError, AssertionError):  # the group is being rearranged
            return len(assigned), None
        return len(assigned), waiting


def _since(before: float | None, holds: bool) -> float | None:
    return (before or time.monotonic()) if holds else None


@dataclass
class Vitals:
    """One process. Its parts enter themselves here as they start.

    Attributes:
        name: the process, as ``cst run`` calls it.
        works: names of the workers that run in it.
        consumers: its consumers.
        relays: gives the reports of its relays.
        relay_broker_lost_at: since when its relays miss the broker (monotonic seconds).
    """

    name: str
    works: Sequence[str] = ()
    consumers: list[ConsumerVitals] = field(default_factory=list)
    relays: Callable[[], list[dict[str, Any]]] = list
    relay_broker_lost_at: Callable[[], float | None] = lambda: None
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started_at: datetime = field(default_factory=wall_now)
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    _broker_lost_at: float | None = None

    def broker_lost(self) -> bool:
        """The workers cannot reach the broker; True where they could at the last look."""
        first = self._broker_lost_at is None
        self._broker_lost_at = self._broker_lost_at or time.monotonic()
        return first

    def broker_found(self) -> float | None:
        """The workers reach the broker; returns for how many seconds they could not, if so."""
        lost, self._broker_lost_at = self._broker_lost_at, None
        return _seconds_since(lost)

    async def count_parked(self) -> None:
        """Ask the database how many requests its consumers have parked."""
        for consumer in self.consumers:
            await consumer.count_parked()

    async def report(self) -> dict[str, Any]:
        """Return the process's row in ``process_status``, without its time."""
        lost = [at for at in (self._broker_lost_at, self.relay_broker_lost_at()) if at is not None]
        return {
            "_id": self.instance,
            "name": self.name,
            "host": self.host,
            "pid": self.pid,
            "started_at": self.started_at,
            "works": list(self.works),
            "consumers": [await consumer.report() for consumer in self.consumers],
            "relays": self.relays(),
            "broker_unreachable_s": _seconds_since(min(lost, default=None)),
        }
