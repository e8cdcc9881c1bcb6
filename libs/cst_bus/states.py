"""Batches of state records into effects: whose state changed is looked at as it stands now.

A state topic is compacted and its records say nothing of what came before, so there is no order to
keep and nothing to count: an effect follows from the document alone and may happen again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog

from cst_bus.dead_letters import DeadLetters
from cst_bus.processor import ATTEMPT_WAITS, MAX_BACKOFF_S, MIN_BACKOFF_S
from cst_bus.progress import Progress
from cst_bus.reading import Record
from cst_mongo.transactions import is_transient

log = structlog.get_logger(__name__)


class StateHandler(Protocol):
    """An effect of what a state topic tells; repeating it changes nothing more."""

    name: str

    async def changed(self, keys: Sequence[str]) -> None:
        """Bring things in line with the documents of these keys as they stand."""
        ...


class StateProcessor:
    """Hands the keys of batches to one handler; ``progress`` tells how it is doing."""

    def __init__(self, handler: StateHandler, dead_letters: DeadLetters) -> None:
        self._handler = handler
        self._dead = dead_letters
        self.progress = Progress(handler.name)

    async def process(self, records: Sequence[Record]) -> None:
        """Handle a batch; returns when every key has had its effect or its record is dead.

        Raises:
            aiokafka.errors.KafkaError: a dead letter could not be sent; the batch has to come
                again.
        """
        latest = {record.key or b"": record for record in records}
        self.progress.begin()
        try:
            await self._apply(list(latest.values()))
        finally:
            self.progress.end()

    async def _apply(self, records: Sequence[Record]) -> None:
        """Handle records together, or one by one where they fail together."""
        try:
            await self._insist([(record.key or b"").decode() for record in records])
        except Exception as error:
            self.progress.failed(error)
            if len(records) == 1:
                await self._again(records[0], error)
                return
            for record in records:
                await self._apply([record])
        else:
            self.progress.succeeded(len(records))

    async def _again(self, record: Record, error: Exception) -> None:
        for wait in ATTEMPT_WAITS:
            await asyncio.sleep(wait)
            try:
                await self._insist([(record.key or b"").decode()])
            except Exception as later:
                error = later
            else:
                self.progress.succeeded(1)
                return
        log.error("dead letter", consumer=self._handler.name, error=str(error)[:500])
        await self._dead.send(record, consumer=self._handler.name, error=error)
        self.progress.succeeded(0)

    async def _insist(self, keys: Sequence[str]) -> None:
        """Call the handler until nothing transient is in its way."""
        backoff = MIN_BACKOFF_S
        while True:
            try:
                return await self._handler.changed(keys)
            except Exception as error:
                if not is_transient(error):
                    raise
                self.progress.failed(error)
                log.warning("retrying", consumer=self._handler.name, error=str(error)[:200])
                await asyncio.sleep(min(backoff, MAX_BACKOFF_S))
                backoff = min(backoff * 2, MAX_BACKOFF_S)
