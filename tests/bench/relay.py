"""The relay's rate into Apache Kafka: acknowledged only, in transactions, exactly once.

``python -m tests.bench.relay``. Every round relays the same events again, by a rebuild.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tests.bench.common import Round, compare, rounds_for, run_bench

from cst_core.clock import Clock
from cst_core.settings import load_settings
from cst_ledger.ledger import LOGS, REQUESTS, Ledger
from cst_ledger.rules import RuleBook
from cst_mongo.client import Database, open_database
from cst_mongo.indexes import migrate
from cst_mongo.transactions import transact
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.main import run_relay
from cst_relay.orders import Orders
from cst_relay.request_events import RequestEvents
from cst_relay.settings import RelaySettings
from cst_stack import Endpoints
from cst_testkit.factories import created_event
from cst_testkit.waiting import wait_until

AT_ONCE = 200
VARIANTS: dict[str, dict[str, str]] = {
    "acknowledged (no transactions)": {"CST_KAFKA_IDEMPOTENT": "0"},
    "in transactions": {},
    "exactly once": {"CST_RELAY_EXACTLY_ONCE": "1"},
}


def _relaying(
    stack: Endpoints, db: Database, rows: int, name: str, environ: Mapping[str, str]
) -> Round:
    settings = load_settings(
        RelaySettings,
        MONGO_URI=stack.mongo_uri,
        MONGO_DB=db.name,
        KAFKA_BOOTSTRAP_SERVERS=stack.kafka_bootstrap_servers,
        CST_TOPIC_PREFIX=f"{name.split()[0]}.",
        CST_RELAY_FEEDS=RequestEvents.name,
        **environ,
    )
    checkpoints, orders = db[CHECKPOINTS.name], Orders(db, RequestEvents.name)

    async def sent() -> int:
        row = await checkpoints.find_one({}) or {}
        return int(row.get("sent", 0))

    async def relay() -> int:
        before = await sent()
        await orders.ask(None)
        stop = asyncio.Event()
        task = asyncio.create_task(run_relay(settings, stop))

        async def rebuilt() -> bool:
            return await sent() >= before + rows

        try:
            await wait_until(rebuilt, 300, "the end of the rebuild")
        finally:
            stop.set()
            await task
        return rows

    return relay


async def _run(stack: Endpoints, rows: int) -> None:
    async with open_database(stack.mongo_uri, "relay", app="bench") as db:
        await migrate(db, [REQUESTS, LOGS, CHECKPOINTS])
        ledger = Ledger(db, "intake", RuleBook.shipped(), Clock())
        for start in range(0, rows, AT_ONCE):
            firsts = [(f"CST-2026-{n:07d}", created_event()) for n in range(start, start + AT_ONCE)]
            await transact(db, lambda session, firsts=firsts: ledger.import_many(firsts, session))
        variants = {
            name: _relaying(stack, db, rows, name, environ) for name, environ in VARIANTS.items()
        }
        await compare(
            f"relay of {rows} events, its start and stop included",
            variants,
            rounds=rounds_for(rows, 3),
        )


if __name__ == "__main__":
    run_bench(__doc__, _run, stack="kafka")
