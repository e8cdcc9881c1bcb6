"""A consumer as a process of its own, which stops at a given place to be killed, or to be let go.

Arguments: MongoDB URI, database, broker, topic prefix, where to stop: ``within`` a transaction,
``after`` it but before the offset is committed, ``nowhere``; or ``first``, within its first
transaction until a line comes on standard input. It prints ``stopped`` in the first two, and
``handling`` when it begins to handle anything in the last two.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from cst_bus.broker import make_broker, subscribe
from cst_bus.dead_letters import DeadLetters
from cst_bus.processor import Processor
from cst_bus.producer import make_producer
from cst_contracts.events import RequestEvent
from cst_contracts.topics import REQUEST_EVENTS
from cst_mongo.client import Session, open_database
from cst_testkit.consumers import CountingHandler
from cst_testkit.records import Record

CONSUMER = "killed"
CHUNK = 10
#: How many events have had their effect before the process stops to be killed.
STOP_AFTER = 30


async def stop_to_be_killed() -> None:
    print("stopped", flush=True)
    await asyncio.Event().wait()


class StoppingHandler(CountingHandler):
    """Stops within the transaction that follows the first ``STOP_AFTER`` effects."""

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await super().handle(events, session)
        if len(await self.effects()) >= STOP_AFTER:
            await stop_to_be_killed()


class TellingHandler(CountingHandler):
    """Says when it begins to handle anything."""

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        if self.attempts == 0:
            print("handling", flush=True)
        await super().handle(events, session)


class WaitingHandler(TellingHandler):
    """Waits within its first transaction until a line comes."""

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await super().handle(events, session)
        if self.attempts == 1:
            await asyncio.to_thread(sys.stdin.readline)


class StoppingProcessor(Processor):
    """Stops when a batch has had its effect, before its offset is committed."""

    async def process(self, records: Sequence[Record]) -> None:
        await super().process(records)
        await stop_to_be_killed()


async def main(uri: str, name: str, bootstrap: str, prefix: str, where: str) -> None:
    handlers: dict[str, Any] = {
        "within": StoppingHandler,
        "first": WaitingHandler,
        "nowhere": TellingHandler,
    }
    processors: dict[str, Any] = {"after": StoppingProcessor}
    producer = make_producer(bootstrap, idempotent=False)
    await producer.start()
    async with open_database(uri, name, app=CONSUMER) as db:
        handler = handlers.get(where, CountingHandler)(db, CONSUMER)
        kind = processors.get(where, Processor)
        processor = kind(db, handler, DeadLetters(producer), chunk=CHUNK)
        broker = make_broker(bootstrap)
        subscribe(broker, REQUEST_EVENTS, processor, group=CONSUMER, prefix=prefix)
        await broker.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
