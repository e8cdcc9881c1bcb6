"""Lost history: the ledger is sent again, in order, and nothing is missing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from relay_world import FEED, World, consumed, new_world, relaying, roll_oplog, viewing

from cst_core.clock import wall_now
from cst_core.errors import ConfigError
from cst_mongo.leases import LEASES
from cst_relay import term
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.main import run_relay
from cst_relay.orders import Orders
from cst_relay.rebuild import Rebuilder
from cst_stack import Endpoints, Home, restart_broker
from cst_stack.mongod import Mongod
from cst_testkit.waiting import wait_until


async def test_a_broker_that_forgot_gets_everything_again(own_world: World, home: Home) -> None:
    world = own_world
    async with relaying(world):
        await world.create("CST-2026-0001", "CST-2026-0002")
        await world.append("CST-2026-0001", times=3, each=50)
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
        before = (await world.checkpoint())["kafka_cluster_id"]
        await asyncio.to_thread(restart_broker, home)
        await world.append("CST-2026-0002")

        async def rebuilt() -> bool:
            now = await world.checkpoint()
            return now["kafka_cluster_id"] != before and now["rebuild"] is None

        await wait_until(rebuilt, 30, "the rebuild to end")
        await world.append("CST-2026-0002")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)


async def test_a_broker_that_forgot_while_no_relay_ran(own_world: World, home: Home) -> None:
    world = own_world
    async with relaying(world):
        await world.create("CST-2026-0001")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
    await asyncio.to_thread(restart_broker, home)
    with pytest.raises(ConfigError, match="the broker is another one"):
        await run_relay(world.settings(CST_RELAY_ON_HISTORY_LOST="fail"), asyncio.Event())
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)


async def test_a_database_that_restarts_is_read_on(own_world: World, home: Home) -> None:
    world = own_world
    port = int(world.endpoints.mongo_uri.split(":")[2].split("/")[0])
    async with relaying(world) as relay:
        await world.create("CST-2026-0001")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            mongod = Mongod(home)
            await asyncio.to_thread(mongod.stop)
            await asyncio.to_thread(mongod.start, port)
            await world.append("CST-2026-0001", times=5)
            await world.all_relayed(view)
        assert not relay.done()
        assert (await world.checkpoint())["rebuild"] is None


async def test_a_topic_that_was_made_anew_is_filled_again(world: World) -> None:
    async with relaying(world):
        await world.create("CST-2026-0001")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
    await world.db[CHECKPOINTS.name].update_one(
        {"_id": FEED}, {"$set": {f"offsets.{partition}": 1000 for partition in range(6)}}
    )
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await view.until(lambda records: len(records) == 2, 10, "the event again")


async def test_a_token_that_means_nothing_leads_to_a_rebuild(world: World) -> None:
    async with relaying(world):
        await world.create("CST-2026-0001")
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
    await world.db[CHECKPOINTS.name].update_one({"_id": FEED}, {"$set": {"token": {"_data": "00"}}})
    await world.create("CST-2026-0002")
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)


async def test_a_rebuild_that_was_cut_short_is_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.create(*(f"CST-2026-{number:04d}" for number in range(20)))
    monkeypatch.setattr(term, "Rebuilder", _StuckRebuilder)
    stop = asyncio.Event()
    relay = asyncio.create_task(run_relay(world.settings(), stop))

    async def begun() -> bool:
        return bool((await world.checkpoint()).get("rebuild"))

    await wait_until(begun, 10, "the rebuild to begin")
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await world.db[LEASES.name].delete_many({})
    monkeypatch.undo()
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
        await wait_until(lambda: _ended(world), 10, "the mark to go")


class _StuckRebuilder(Rebuilder):
    async def run(self, plan: Any) -> Any:
        await asyncio.Event().wait()


async def _ended(world: World) -> bool:
    return (await world.checkpoint())["rebuild"] is None


async def test_buckets_are_sent_in_order_though_their_writers_clocks_differ(world: World) -> None:
    await world.create("CST-2026-0001")
    await world.append("CST-2026-0001", times=3, each=90)
    logs = world.db.performance_logs
    newest = (await logs.find_one({"bucket": 2}) or {})["updated_at"]
    await logs.update_one({"bucket": 0}, {"$set": {"updated_at": newest.replace(year=2090)}})
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
    await world.db[CHECKPOINTS.name].update_one(
        {"_id": FEED}, {"$set": {"token": {"_data": "00"}, "acked_through": newest}}
    )
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await view.until(lambda records: len(records) >= 2 * 271, 10, "everything again")
        consumed(view.records[271:])


async def test_history_lost_by_the_oplog_is_rebuilt(stack: Endpoints, small_oplog: str) -> None:
    endpoints = Endpoints(small_oplog, "cst", stack.kafka_bootstrap_servers, stack.broker)
    async with new_world(endpoints) as world:
        async with relaying(world):
            await world.create("CST-2026-0001", "CST-2026-0002")
            async with viewing(world.endpoints, world.topic) as view:
                await world.all_relayed(view)
        token = (await world.checkpoint())["token"]
        await world.append("CST-2026-0001", times=3)
        await world.create("CST-2026-0003")
        await asyncio.to_thread(roll_oplog, small_oplog, token)
        with pytest.raises(ConfigError, match="286"):
            await run_relay(world.settings(CST_RELAY_ON_HISTORY_LOST="fail"), asyncio.Event())
        async with relaying(world), viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            await world.append("CST-2026-0003")
            await world.all_relayed(view)


async def test_a_rebuild_asked_for_while_the_relay_runs_sends_everything_again(
    world: World,
) -> None:
    requests = [f"CST-2026-{number:04d}" for number in range(4)]
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create(*requests)
        await world.all_relayed(view)
        orders = Orders(world.db, FEED)
        await orders.ask(None)
        await view.until(lambda records: len(records) == 8, 20, "every event a second time")
        assert await orders.pending() is None
        await world.append(requests[0])
        await world.all_relayed(view)
        assert len(view.records) == 9


async def test_a_rebuild_asked_for_while_no_relay_runs_is_kept_until_one_does(world: World) -> None:
    async with relaying(world):
        await world.create("CST-2026-0001")
    await world.create("CST-2026-0002")
    await Orders(world.db, FEED).ask(wall_now())
    policy = {"CST_RELAY_ON_HISTORY_LOST": "fail"}
    async with relaying(world, **policy), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
    assert await Orders(world.db, FEED).pending() is None
