"""`/readyz` and `cst status` tell each fault, and tell when it is over."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from status_kit import SHOWN_S, STUCK_AFTER_S, Whole, paused

from cst_cli.contracts.subscriptions import consumers
from cst_process.heartbeat import PROCESSES
from cst_stack.mongod import Mongod
from cst_stack.tansu import Tansu
from cst_testkit.systems import assigned_story, file_request
from cst_testkit.waiting import wait_until

pytestmark = pytest.mark.slow

WORKERS = {"intake-worker", "workflow-worker", "dispatch-worker", "sla-worker", "geo-worker"}
#: Consumers of what happens to a request until it is assigned.
REACHED = {"workflow.triage", "dispatch.assign", "sla.clocks", "geo.projections"}
FEEDS = {"request-events", "request-state", "agent-state", "geo-feeds", "request-public"}


async def test_a_system_that_is_well_says_so_and_shows_all_its_parts(whole: Whole) -> None:
    await assigned_story(whole.client, await file_request(whole.client), SHOWN_S)

    names = {consumer.name for consumer in consumers()}

    async def shown() -> bool:
        _, told = await whole.report()
        done = {c["consumer"]: c["handled"] for b in told["heartbeats"] for c in b["consumers"]}
        handled = {consumer for consumer, events in done.items() if events}
        return done.keys() == names and handled >= REACHED

    await wait_until(shown, SHOWN_S, "every consumer that the story reaches to have handled it")
    code, told = await whole.report()
    assert code == 0
    assert told["problems"] == []
    assert {beat["name"] for beat in told["heartbeats"]} == {"api", "relay", *WORKERS}
    assert {row["feed"] for row in told["relay"]} == FEEDS
    assert all(row["leader"] and row["lag_s"] is not None for row in told["relay"])


async def test_a_paused_worker_is_silent_until_it_goes_on(whole: Whole) -> None:
    with paused((await whole.pids())["geo-worker"]):
        await whole.until_it_tells(("process:geo-worker", "silent"))
        code, out, _ = await whole.cst("status")
        assert code == 1
        assert "process:geo-worker silent" in out
    await whole.until_ready()


async def test_a_paused_relay_leaves_every_feed_without_a_leader(whole: Whole) -> None:
    with paused((await whole.pids())["relay"]):
        await whole.until_it_tells(
            ("process:relay", "silent"), *((f"relay:{feed}", "no leader") for feed in FEEDS)
        )
    await whole.until_ready()


async def test_a_consumer_that_cannot_write_is_stuck_until_it_can(whole: Whole) -> None:
    workflow = (await whole.pids())["workflow-worker"]
    async with whole.database() as db, db.client.start_session() as session:
        with paused(workflow):
            request_id = await file_request(whole.client)
            # Whoever else writes this document gets a write conflict until the transaction ends.
            await session.start_transaction()
            this, lock = {"request_id": request_id}, {"$set": {"locked_by": "a test"}}
            await db["service_requests"].update_one(this, lock, session=session)
        await whole.until_it_tells(("consumer:workflow.triage", "stuck"))
        _, body = await whole.readyz()
        [stuck] = [found for found in body["problems"] if found["problem"] == "stuck"]
        assert stuck["since_s"] > STUCK_AFTER_S
        await session.abort_transaction()
    await assigned_story(whole.client, request_id, SHOWN_S)
    await whole.until_ready()


async def test_a_killed_process_is_missed_only_until_its_successor_is_there(whole: Whole) -> None:
    killed = (await whole.pids())["sla-worker"]
    psutil.Process(killed).kill()
    async with whole.database() as db:

        async def succeeded() -> bool:
            rows = await db[PROCESSES.name].find({"name": "sla-worker"}).to_list()
            return bool(rows) and killed not in {row["pid"] for row in rows}

        await wait_until(succeeded, SHOWN_S, "the successor's heartbeat alone")
    await whole.until_ready()


async def test_without_its_database_the_api_is_not_ready_and_nobody_needs_a_restart(
    whole: Whole,
) -> None:
    before = await whole.pids()
    mongod = Mongod(whole.home)
    port = mongod.status().port
    assert port is not None
    await asyncio.to_thread(mongod.kill)

    async def refused() -> bool:
        return (await whole.readyz())[0] == 503

    await wait_until(refused, SHOWN_S, "503 from /readyz")
    answer = await whole.client.get("/readyz", timeout=3)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/unavailable"
    code, told = await whole.report()
    assert code == 1
    assert {(found["part"], found["problem"]) for found in told["problems"]} == {
        ("mongod", "not running"),
        ("api", "not ready"),
        ("database", "unreachable"),
    }
    await asyncio.to_thread(mongod.start, port)
    await whole.until_ready()
    assert await whole.pids() == before
    await assigned_story(whole.client, await file_request(whole.client), SHOWN_S)


async def test_without_its_broker_the_api_goes_on_and_what_it_took_is_sent_later(
    whole: Whole,
) -> None:
    tansu = Tansu(whole.home)
    port = tansu.status().port
    assert port is not None
    await asyncio.to_thread(tansu.kill)
    await whole.until_it_tells(("broker", "unreachable"))
    code, _ = await whole.readyz()
    assert code == 200
    request_id = await file_request(whole.client)
    code, told = await whole.report()
    assert code == 1
    assert ("tansu", "not running") in {(f["part"], f["problem"]) for f in told["problems"]}
    assert set(told["dead_letters"].values()) == {None}
    await asyncio.to_thread(tansu.start, port)
    await assigned_story(whole.client, request_id, SHOWN_S)
    await whole.until_ready()
