"""What users of other relays ran into, one test each, named after the report.

DBZ is Debezium's tracker, KAFKA that of MongoDB's own connector. DBZ-6402 (a crash at a token that
means nothing) and the rest of lost history are in ``test_relay_history``.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from relay_world import (
    World,
    first_checkpoint,
    new_world,
    relay_process,
    relaying,
    roll_oplog,
    viewing,
)

from cst_contracts.topics import REQUEST_EVENTS
from cst_core.clock import wall_now
from cst_core.errors import ConfigError, TooLarge
from cst_ledger.events import NewEvent
from cst_ledger.ledger import MAX_DOCUMENT
from cst_relay.domain.request_records import MAX_VALUE
from cst_relay.feeds import all_feeds
from cst_relay.main import run_relay
from cst_stack import Endpoints
from cst_testkit.factories import SYSTEM
from cst_testkit.waiting import wait_until


async def _position_after(world: World, token: object) -> None:
    async def moved() -> bool:
        return (await world.checkpoint())["token"] != token

    await wait_until(moved, 15, "the position to move")


async def test_dbz_1198_an_idle_stream_does_not_fall_off_the_oplog(
    stack: Endpoints, small_oplog: str
) -> None:
    endpoints = Endpoints(small_oplog, "cst", stack.kafka_bootstrap_servers, stack.broker)
    policy = {"CST_RELAY_ON_HISTORY_LOST": "fail"}
    async with new_world(endpoints) as world:
        await world.create("CST-2026-0001")
        async with relaying(world, **policy):
            began = (await world.checkpoint())["token"]
            await asyncio.to_thread(roll_oplog, small_oplog, began)
            # Nothing has happened in the ledger, yet the position has kept up with the oplog.
            await _position_after(world, (await world.checkpoint())["token"])
        async with relaying(world, **policy), viewing(world.endpoints, world.topic) as view:
            await world.create("CST-2026-0002")
            await world.all_relayed(view)
            assert len(view.records) == 2


async def test_dbz_1513_a_stream_whose_changes_are_all_filtered_out_moves_on(world: World) -> None:
    await world.create("CST-2026-0001")
    logs = world.db.performance_logs
    async with relaying(world):
        token = (await world.checkpoint())["token"]
        for minutes in range(50):
            await logs.update_many({}, {"$set": {"computed_kpis": {"resolution_minutes": minutes}}})
        await _position_after(world, token)
        assert (await world.checkpoint())["sent"] == 1


async def test_dbz_1708_kafka_428_a_copy_that_was_finished_is_not_made_again(world: World) -> None:
    await world.create(*(f"CST-2026-{number:04d}" for number in range(5)))
    for _ in range(3):
        async with relaying(world):
            pass
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
        assert len(view.records) == 5


async def test_dbz_5479_dbz_8763_an_election_does_not_end_the_stream(own_world: World) -> None:
    world = own_world
    async with relay_process(world) as relay, viewing(world.endpoints, world.topic) as view:
        await first_checkpoint(world)
        for number in range(3):
            await world.db.client.admin.command("replSetStepDown", 1, force=True)
            await world.create(f"CST-2026-{number:04d}")
            await world.all_relayed(view)
        assert relay.returncode is None


async def test_dbz_6643_a_refused_login_ends_the_relay_and_leaves_no_connection(
    world: World,
) -> None:
    async def connections() -> int:
        status = await world.db.client.admin.command("serverStatus")
        return int(status["connections"]["current"])

    before = await connections()
    scheme, rest = world.endpoints.mongo_uri.split("://")
    settings = world.settings(MONGO_URI=f"{scheme}://nobody:wrong@{rest}")
    for _ in range(5):
        with pytest.raises(ConfigError, match="MongoDB refuses this user"):
            await run_relay(settings, asyncio.Event())

    async def released() -> bool:
        return await connections() <= before + 1

    await wait_until(released, 15, "the connections to be closed")


async def test_kafka_219_nothing_grows_beyond_what_a_change_or_a_record_can_hold(
    world: World,
) -> None:
    """No change nears 16 MB; an event over the record's limit is a dead letter, not a stop."""
    await world.create("CST-2026-0001", "CST-2026-0002")
    note = NewEvent("assignment_deferred", SYSTEM, message="x" * (MAX_DOCUMENT + 1))
    with pytest.raises(TooLarge):
        await world.ledger.record("CST-2026-0001", lambda _: [note])
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
        meta = {"reason": "x" * (MAX_VALUE + 1), "next_try_at": wall_now()}
        too_large = NewEvent("assignment_deferred", SYSTEM, meta=meta)
        await world.ledger.record("CST-2026-0001", lambda _: [too_large])
        await world.append("CST-2026-0002")
        async with viewing(world.endpoints, f"{world.topic}.dlq", partitions=1) as dead:
            await dead.until(len, 10, "the dead letter")
        assert dict(dead.records[0].headers)["cst_dlq_error"].startswith(b"TooLarge")
        await view.until(lambda records: len(records) == 3, 10, "the event after it")


async def test_kafka_230_a_cursor_killed_on_the_server_is_opened_again(world: World) -> None:
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create("CST-2026-0001")
        await world.all_relayed(view)
        for _ in range(3):
            killed = await _kill_cursors(world)
            await world.append("CST-2026-0001", times=2)
            await world.all_relayed(view)
            assert killed


async def _kill_cursors(world: World) -> int:
    admin = world.db.client.admin
    pipeline = [
        {"$currentOp": {"idleCursors": True, "allUsers": True}},
        {"$match": {"ns": f"{world.db.name}.performance_logs", "cursor.cursorId": {"$exists": 1}}},
    ]

    async def found() -> list[int]:
        rows = await (await admin.aggregate(pipeline)).to_list()
        return [row["cursor"]["cursorId"] for row in rows]

    ids = await wait_until(found, 10, "the stream's cursor between two reads")
    answer = await world.db.command("killCursors", "performance_logs", cursors=ids)
    return len(answer["cursorsKilled"]) + len(answer["cursorsNotFound"])


async def test_dbz_9657_no_feed_filters_out_what_it_is_there_for() -> None:
    """A filter that matches nothing looks like a quiet day: each must let its writes through."""
    for feed in all_feeds("new-york"):
        (match,) = (stage["$match"] for stage in feed.pipeline() if "$match" in stage)
        assert "invalidate" in str(match)
        assert "insert" in str(match)
        assert "update" in str(match)
    assert REQUEST_EVENTS in {feed.topic for feed in all_feeds("new-york")}


async def test_dbz_9683_the_time_of_a_position_is_the_wall_time_of_the_change(world: World) -> None:
    """The time of the oplog's entry has whole seconds only, and no time zone to speak of."""
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        before = wall_now()
        await world.create("CST-2026-0001")
        await world.all_relayed(view)

        async def noted() -> bool:
            return (await world.checkpoint())["source_time"] is not None

        await wait_until(noted, 10, "the checkpoint")
        at = (await world.checkpoint())["source_time"]
        assert before - timedelta(milliseconds=50) <= at <= wall_now() + timedelta(milliseconds=50)
