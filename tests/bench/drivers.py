"""PyMongo's Async API against Motor, on the same server in the same run.

Why CST's driver is not the design card's motor: ``python -m tests.bench.drivers``.
"""

from __future__ import annotations

from typing import Any

import motor.motor_asyncio
from pymongo import AsyncMongoClient
from tests.bench.common import Round, compare, in_parallel, rounds_for, run_bench

from cst_stack import Endpoints

EVENT = {"type": "triaged", "meta": {"rule": "category:pothole", "note": "x" * 200}, "seq": 1}
TASKS = 16


async def _write_events(collection: Any, count: int) -> None:
    for start in range(0, count, 1000):
        rows = [{"n": n, **EVENT} for n in range(start, min(start + 1000, count))]
        await collection.insert_many(rows)


def _find_one(collection: Any, count: int) -> Round:
    async def find(number: int) -> None:
        assert (await collection.find_one({"n": number}))["n"] == number

    return lambda: in_parallel(count, TASKS, find)


def _insert_one(collection: Any, count: int) -> Round:
    async def insert(number: int) -> None:
        await collection.insert_one({"n": number, **EVENT})

    return lambda: in_parallel(count, TASKS, insert)


def _read_stream(stream_of: Any, token: Any, count: int) -> Round:
    async def read() -> int:
        stream = await stream_of(token)
        async with stream:
            for seen in range(count):
                change = await stream.next()
                assert change["fullDocument"]["n"] == seen
        return count

    return read


async def _run(stack: Endpoints, rows: int) -> None:
    uri = stack.mongo_uri
    new: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(uri)
    old: Any = motor.motor_asyncio.AsyncIOMotorClient(uri)
    events, old_events = new.bench.events, old.bench.events
    await events.create_index("n")
    async with await events.watch() as stream:
        token = stream.resume_token
    await _write_events(events, rows)
    options: dict[str, Any] = {"batch_size": 1000, "max_await_time_ms": 500}

    async def watch_new(after: Any) -> Any:
        return await events.watch(resume_after=after, **options)

    async def watch_old(after: Any) -> Any:
        return old_events.watch(resume_after=after, **options)

    names = ("Motor (thread pool)", "PyMongo Async")
    streams = (_read_stream(watch_old, token, rows), _read_stream(watch_new, token, rows))
    await compare(
        f"change stream, {rows:,} events",
        dict(zip(names, streams, strict=True)),
        rounds=rounds_for(rows, 3),
    )
    few = min(rows, 5000)
    finds = (_find_one(old_events, few), _find_one(events, few))
    await compare(
        f"find_one, {TASKS} tasks", dict(zip(names, finds, strict=True)), rounds_for(rows)
    )
    inserts = (_insert_one(old.bench.a, few), _insert_one(new.bench.b, few))
    await compare(
        f"insert_one, {TASKS} tasks", dict(zip(names, inserts, strict=True)), rounds_for(rows)
    )
    await new.close()
    old.close()


if __name__ == "__main__":
    run_bench(__doc__, _run)
