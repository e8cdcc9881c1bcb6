"""On Apache Kafka: who was paused is shut out, and committed records are there exactly once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest
from relay_world import (
    FEED,
    World,
    consumed,
    first_checkpoint,
    kill,
    new_world,
    relay_process,
    relaying,
    viewing,
)

from cst_core.errors import ConfigError
from cst_mongo.leases import LEASES
from cst_relay.checkpoint import Checkpoint
from cst_relay.journal import CheckpointJournal
from cst_relay.main import run_relay
from cst_relay.outlet import open_outlet
from cst_stack import Endpoints
from cst_testkit.waiting import wait_until

kafka = pytest.mark.kafka
REQUESTS = [f"CST-2026-{number:04d}" for number in range(8)]
EXACTLY = {"CST_RELAY_EXACTLY_ONCE": "1"}


@pytest.fixture
async def kafka_world(kafka_stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(kafka_stack) as made:
        yield made


async def _leader(world: World) -> str | None:
    lease = await world.db[LEASES.name].find_one({"_id": f"relay:{FEED}"}) or {}
    return lease.get("holder")


async def _write(world: World, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.gather(*(world.append(request, each=3) for request in REQUESTS))


async def _another_leads(world: World, than: str | None) -> None:
    async def changed() -> bool:
        return await _leader(world) not in (None, than)

    await wait_until(changed, 15, "the other relay to lead")


@kafka
@pytest.mark.parametrize("exactly", [{}, EXACTLY], ids=["at-least-once", "exactly-once"])
async def test_a_leader_paused_in_mid_stream_adds_nothing_when_it_wakes(
    kafka_world: World, exactly: dict[str, str]
) -> None:
    world, stop = kafka_world, asyncio.Event()
    await world.create(*REQUESTS)
    async with relay_process(world, **exactly) as paused:
        await first_checkpoint(world)
        async with relay_process(world, **exactly), viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            writing = asyncio.create_task(_write(world, stop))
            await view.until(lambda records: len(records) > 300, 60, "a stream of records")
            leader = await _leader(world)
            paused.send_signal(signal.SIGSTOP)
            await _another_leads(world, leader)
            before = len(view.records)
            await view.until(lambda records: len(records) > before + 300, 60, "the new leader")
            paused.send_signal(signal.SIGCONT)
            sent = (await world.checkpoint())["sent"]
            await view.until(lambda records: len(records) > before + 600, 60, "records after it")
            stop.set()
            await writing
            assert (await world.checkpoint())["sent"] >= sent
            await world.all_relayed(view)
        async with viewing(world.endpoints, world.topic, committed=True) as committed:
            await world.all_relayed(committed)
    if exactly:
        assert len(committed.records) == sum(map(len, (await world.stored()).values()))


@kafka
async def test_two_producers_of_a_feed_cannot_both_send(kafka_world: World) -> None:
    settings = kafka_world.settings()
    topic = kafka_world.topic
    async with relaying(kafka_world):
        pass  # makes the topic
    async with open_outlet(settings, FEED, None) as old:
        await old.begin()
        await old.producer.send_and_wait(topic, b"old", key=b"k", partition=0)
        async with open_outlet(settings, FEED, None) as new:
            await new.begin()
            await new.producer.send_and_wait(topic, b"new", key=b"k", partition=0)
            await new.commit(Checkpoint("c"))
            with pytest.raises(Exception, match=r"(?i)fence|epoch|newer producer"):
                await old.producer.send_and_wait(topic, b"stale", key=b"k", partition=0)
    async with viewing(kafka_world.endpoints, topic) as everything:
        await everything.until(lambda records: len(records) >= 2, 10, "both records")
    assert [record.value for record in everything.records] == [b"old", b"new"]
    async with viewing(kafka_world.endpoints, topic, committed=True) as committed:
        await committed.until(lambda records: records, 10, "the committed one")
    assert [record.value for record in committed.records] == [b"new"]


@kafka
async def test_exactly_once_through_kills_at_any_moment(kafka_world: World) -> None:
    world, stop = kafka_world, asyncio.Event()
    await world.create(*REQUESTS)
    async with relaying(world, **EXACTLY):
        pass
    writing = asyncio.create_task(_write(world, stop))
    async with viewing(world.endpoints, world.topic) as everything:
        for _ in range(5):
            async with relay_process(world, **EXACTLY) as relay:
                before = len(everything.records)
                await everything.until(
                    lambda records, n=before: len(records) > n + 150, 60, "some more records"
                )
                await kill(relay)
        stop.set()
        await writing
        async with relaying(world, **EXACTLY):
            await world.all_relayed(everything, timeout=60)
    async with viewing(world.endpoints, world.topic, committed=True) as committed:
        await world.all_relayed(committed, timeout=60)
    assert len(committed.records) == sum(map(len, (await world.stored()).values()))
    assert consumed(committed.records) == await world.stored()


@kafka
async def test_the_journal_finds_the_last_committed_checkpoint(kafka_world: World) -> None:
    world = kafka_world
    settings = world.settings(**EXACTLY)
    journal = CheckpointJournal(settings.kafka, settings.topic_prefix, FEED)
    async with relaying(world, **EXACTLY):
        await world.create(*REQUESTS)
    stored = await world.checkpoint()
    assert (await journal.read() or Checkpoint("")).sent == stored["sent"] == len(REQUESTS)
    async with open_outlet(settings, FEED, journal) as outlet:
        for sent in range(40):
            await outlet.commit(Checkpoint("c", {"_data": "x"}, sent=sent))
    found = await journal.read()
    assert found is not None
    assert (found.sent, found.token, found.cluster_id) == (39, {"_data": "x"}, "c")
    async with open_outlet(settings, FEED, journal) as outlet:
        await outlet.begin()
        await journal.write(outlet.producer, Checkpoint("never", sent=99))
        await outlet.producer.flush()
    async with open_outlet(settings, FEED, journal):
        found = await journal.read()
    assert (found and found.cluster_id) == "c"


@kafka
async def test_a_checkpoint_in_mongodb_that_is_ahead_wins(kafka_world: World) -> None:
    """Exactly-once was switched off for a while: its last checkpoint in Kafka is an old one."""
    world = kafka_world
    for values in (EXACTLY, {}, EXACTLY):
        async with relaying(world, **values):
            await world.create(f"CST-2026-{1000 + len(await world.stored()):04d}")
    async with viewing(world.endpoints, world.topic, committed=True) as view:
        await world.all_relayed(view)
    assert len(view.records) == 3


async def test_exactly_once_is_refused_where_the_broker_has_no_transactions(
    stack: Endpoints,
) -> None:
    async with new_world(stack) as world:
        if world.endpoints.broker != "tansu":
            pytest.skip("this broker has transactions")
        with pytest.raises(ConfigError, match="CST_RELAY_EXACTLY_ONCE=1 needs"):
            await run_relay(world.settings(**EXACTLY), asyncio.Event())


async def test_unknown_feeds_are_refused_by_name(world: World) -> None:
    with pytest.raises(ConfigError, match="CST_RELAY_FEEDS=nonsense: not a feed; allowed: request"):
        await run_relay(world.settings(CST_RELAY_FEEDS="nonsense"), asyncio.Event())
