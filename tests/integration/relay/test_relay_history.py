"""Lost history: the ledger is sent again, in order, and nothing is missing."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from relay_world import FEED, World, consumed, new_world, relaying, viewing

from cst_core.errors import ConfigError
from cst_mongo.leases import LEASES
from cst_relay import term
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.main import run_relay
from cst_relay.rebuild import Rebuilder
from cst_stack import Endpoints, Home, restart_broker
from cst_stack.mongod import Mongod, find_mongod
from cst_stack.ports import free_port
from cst_stack.replica_set import answers, direct_client, embedded_uri, is_primary, join
from cst_testkit.waiting import poll_until, wait_until


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


@pytest.fixture
def small_oplog(tmp_path: Path) -> Iterator[str]:
    """A replica set that soon forgets what it did."""
    port = free_port()
    command = [find_mongod(), "--replSet=rs0", f"--port={port}", f"--dbpath={tmp_path}"]
    command += ["--bind_ip=127.0.0.1", "--oplogSize=16", "--nounixsocket", "--syncdelay=1"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log) as mongod:
        try:
            with direct_client(port) as client:
                poll_until(lambda: answers(client), 30, "mongod")
                join(client, f"127.0.0.1:{port}")
                poll_until(lambda: is_primary(client), 30, "a primary")
            yield embedded_uri(port)
        finally:
            mongod.kill()


def _forget(uri: str, token: Any) -> None:
    """Write until the oplog no longer reaches back to ``token``."""
    with MongoClient[dict[str, Any]](uri) as client:
        other = client["other"]["filler"]

        def lost() -> bool:
            other.insert_many([{"x": "x" * 250_000} for _ in range(40)])
            try:
                client["other"]["nothing"].watch(start_after=token).close()
            except OperationFailure as error:
                return error.code == 286
            return False

        poll_until(lost, 60, "the oplog to be cut")


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
        await asyncio.to_thread(_forget, small_oplog, token)
        with pytest.raises(ConfigError, match="286"):
            await run_relay(world.settings(CST_RELAY_ON_HISTORY_LOST="fail"), asyncio.Event())
        async with relaying(world), viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            await world.append("CST-2026-0003")
            await world.all_relayed(view)
