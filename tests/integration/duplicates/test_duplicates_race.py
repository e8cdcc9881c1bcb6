"""A hundred reports of one hole at one moment, through four intake processes and two workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from zlib import crc32

import httpx
import pytest
from duplicates_kit import Place, at, checked_groups, fresh_place, moved

from app.registry import APIS, WORKERS
from cst_bus.processor import Processor
from cst_core.settings import Settings, load_settings
from cst_http.app import create_app
from cst_ledger.verify import verify_all
from cst_mongo.client import Database
from cst_process.core import open_core
from cst_testkit.apps import SECRET, TUESDAY_NOON, report
from cst_testkit.cities import load_new_york
from cst_testkit.databases import fresh_database
from cst_testkit.records import Record, RecordingDeadLetters, record_of

INTAKES, WORKERS_AT_ONCE, REPORTS = 4, 2, 100
#: `make test-slow` takes 20.
REPETITIONS = int(os.environ.get("CST_REPETITIONS", "2"))


class Town:
    """Four intake processes' apps and two workers' processors, each over its own core."""

    def __init__(
        self, db: Database, clients: list[httpx.AsyncClient], workers: list[Processor]
    ) -> None:
        self.db = db
        self._clients = clients
        self._workers = workers
        self._handed: dict[str, int] = {}
        self._news = asyncio.Event()

    async def report(self, places: list[Place]) -> list[str]:
        """File all at once, in turns over the intakes, while the workers are at it."""
        filing = asyncio.gather(*(self._file(n, place) for n, place in enumerate(places)))
        done = asyncio.Event()
        working = asyncio.create_task(self._work(done))
        ids = await filing
        done.set()
        self._news.set()
        await working
        return ids

    async def _file(self, number: int, place: Place) -> str:
        """On a busy machine a create may run out of time; the key makes a second try the same."""
        client = self._clients[number % len(self._clients)]
        body, headers = report(location=at(place)), {"Idempotency-Key": f"report-{number}"}
        while True:
            answer = await client.post("/requests/", json=body, headers=headers)
            if answer.status_code != 503:
                break
        assert answer.status_code in (200, 201), answer.text
        self._news.set()
        return str(answer.json()["request_id"])

    async def _work(self, done: asyncio.Event) -> None:
        """Hand each request's events to the worker of its partition, both workers at once."""
        while True:
            await self._news.wait()
            last = done.is_set()
            if not last:
                self._news.clear()
            records = await self._new_records()
            parts: list[list[Record]] = [[] for _ in self._workers]
            for record in records:
                parts[crc32(record.key or b"") % len(parts)].append(record)
            await asyncio.gather(
                *(worker.process(part) for worker, part in zip(self._workers, parts, strict=True))
            )
            if last and not records:
                return

    async def _new_records(self) -> list[Record]:
        records = []
        async for log in self.db["performance_logs"].find().sort("updated_at", 1):
            for event in log["event_stream"]:
                if event["seq"] > self._handed.get(event["subject"], -1):
                    self._handed[event["subject"]] = event["seq"]
                    records.append(record_of(event, offset=len(self._handed)))
        return records


@asynccontextmanager
async def town(mongo_uri: str) -> AsyncIterator[Town]:
    async with fresh_database(mongo_uri) as db, AsyncExitStack() as stack:
        await load_new_york(db)
        settings = load_settings(
            Settings,
            _env_file=None,
            mongo_uri=mongo_uri,
            mongo_db=db.name,
            auth_secret=SECRET,
            clock=TUESDAY_NOON,
        )
        clients = []
        for number in range(INTAKES):
            name = f"intake-{number}"
            app = create_app(name, list(APIS.values()), lambda: open_core(settings, "test"))
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(transport=transport, base_url="http://cst.test", timeout=60)
            clients.append(await stack.enter_async_context(client))
            # So that each has read the city before everybody comes at once.
            assert (await client.get("/categories")).status_code == 200
        workers = []
        for _ in range(WORKERS_AT_ONCE):
            core = await stack.enter_async_context(open_core(settings, "worker"))
            triage = WORKERS["workflow"].build(core).subscriptions[0]
            workers.append(Processor(core.db, triage.handler, RecordingDeadLetters(), chunk=5))
        yield Town(db, clients, workers)


async def _one_hole(mongo_uri: str) -> None:
    async with town(mongo_uri) as place:
        ids = await place.report([fresh_place()] * REPORTS)
        documents = await place.db["service_requests"].find().to_list()
        groups = checked_groups(documents)
        oldest = min(documents, key=lambda d: (d["timestamps"]["created_at"], d["request_id"]))
        assert list(groups) == [oldest["request_id"]]
        assert groups[oldest["request_id"]] == set(ids) - {oldest["request_id"]}
        broken = [verdict async for verdict in verify_all(place.db) if not verdict.ok]
        assert not broken


@pytest.mark.parametrize("repetition", range(1))
async def test_one_hole_has_one_master(mongo_uri: str, repetition: int) -> None:
    await _one_hole(mongo_uri)


@pytest.mark.slow
@pytest.mark.parametrize("repetition", range(REPETITIONS))
async def test_one_hole_has_one_master_again_and_again(mongo_uri: str, repetition: int) -> None:
    await _one_hole(mongo_uri)


async def test_two_holes_reported_at_once_stay_two(mongo_uri: str) -> None:
    west = fresh_place()
    east = moved(west, 25)
    async with town(mongo_uri) as place:
        await place.report([west, east] * 20)
        groups = checked_groups(await place.db["service_requests"].find().to_list())
        assert sorted(map(len, groups.values())) == [19, 19]
