"""One relay leads; another takes over; the old one can no longer write."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest
from relay_world import World, first_checkpoint, kill, relay_process, relaying, viewing

from cst_core.errors import ConfigError
from cst_mongo.leases import LEASES, Leases
from cst_relay import term
from cst_relay.checkpoint import Checkpoint, CheckpointStore
from cst_relay.errors import Fenced, LeaseLost
from cst_relay.lease import Leadership
from cst_relay.main import run_relay
from cst_stack.ports import free_port
from cst_testkit.waiting import wait_until


async def _holder(world: World) -> str | None:
    lease = await world.db[LEASES.name].find_one({"_id": "relay:request-events"}) or {}
    return lease.get("holder")


async def test_a_waiting_relay_takes_over_within_five_seconds(world: World) -> None:
    await world.create("CST-2026-0001")
    stop = asyncio.Event()
    async with relay_process(world) as leader:
        await first_checkpoint(world)
        leading = await _holder(world)
        standby = asyncio.create_task(run_relay(world.settings(), stop))
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            await kill(leader)
            killed = time.monotonic()
            await world.append("CST-2026-0001")
            await world.all_relayed(view)
            assert time.monotonic() - killed < 5
    assert leading is not None
    assert await _holder(world) not in (None, leading)
    stop.set()
    await standby


async def test_of_two_relays_one_sends(world: World) -> None:
    stop = asyncio.Event()
    async with relaying(world):
        standby = asyncio.create_task(run_relay(world.settings(), stop))
        await world.create("CST-2026-0001", "CST-2026-0002")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            assert len(view.records) == 2
        stop.set()
        await standby


async def test_an_old_epoch_cannot_write_the_checkpoint(world: World) -> None:
    old, new = (CheckpointStore(world.db, "feed", epoch) for epoch in (4, 5))
    assert await old.claim() is None
    await old.save(Checkpoint("k", {"_data": "old"}))
    claimed = await new.claim()
    assert claimed is not None
    assert claimed.token == {"_data": "old"}
    with pytest.raises(Fenced):
        await old.save(Checkpoint("k", {"_data": "stale"}))
    with pytest.raises(Fenced):
        await old.claim()
    await new.save(Checkpoint("k", {"_data": "new"}, offsets={2: 7}))
    again = await new.claim()
    assert again is not None
    assert (again.token, again.offsets) == ({"_data": "new"}, {2: 7})


async def test_a_leader_whose_lease_was_taken_stops_sending(world: World) -> None:
    leases = Leases(world.db, ttl_s=1)
    mine = await Leadership.acquire(leases, "test", "me")
    assert mine is not None
    mine.check()
    assert await Leadership.acquire(leases, "test", "you") is None
    keeping = asyncio.create_task(mine.keep())
    await world.db[LEASES.name].update_one({"_id": "test"}, {"$set": {"holder": "you"}})
    with pytest.raises(LeaseLost):
        await keeping


async def test_a_paused_leader_notices_by_its_own_clock(world: World) -> None:
    mine = await Leadership.acquire(Leases(world.db, ttl_s=0.2), "test", "me")
    assert mine is not None

    def lost() -> bool:
        try:
            mine.check()
        except LeaseLost:
            return True
        return False

    await wait_until(lost, 2, "the lease to run out")


async def test_a_relay_fenced_while_it_runs_leads_again_later(world: World) -> None:
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        lease = {"_id": "relay:request-events"}
        await world.db[LEASES.name].update_one(lease, {"$inc": {"epoch": 1}})
        await world.create("CST-2026-0001")
        await world.all_relayed(view)


async def test_a_slow_start_keeps_the_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = term.ensure_topics

    async def slow(*args: Any, **options: Any) -> list[str]:
        await asyncio.sleep(2)  # longer than the lease of a second
        return await quick(*args, **options)

    monkeypatch.setattr(term, "ensure_topics", slow)
    async with relaying(world, CST_RELAY_LEASE_TTL_S=1):
        assert (await world.checkpoint())["epoch"] == 1


async def test_a_relay_process_tells_its_health(world: World) -> None:
    port = free_port()
    async with (
        relay_process(world, CST_RELAY_PORT=str(port)),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        await first_checkpoint(world)
        ready = (await client.get("/readyz")).json()
        assert (ready["status"], ready["feeds"][0]["role"]) == ("ready", "leader")
        assert (await client.get("/healthz")).json()["status"] == "ok"
        assert 'cst_relay_leader{feed="request-events"} 1.0' in (await client.get("/metrics")).text


async def test_wrong_settings_end_the_relay_with_one_line(world: World) -> None:
    uri = world.endpoints.mongo_uri.replace("mongodb://", "mongodb://nobody:wrong@")
    with pytest.raises(ConfigError, match="MongoDB refuses this user"):
        await asyncio.wait_for(run_relay(world.settings(MONGO_URI=uri), asyncio.Event()), 20)
