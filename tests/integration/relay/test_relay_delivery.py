"""Every event arrives, in order per request, whatever happens to the relay."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from relay_world import World, consumed, first_checkpoint, kill, relay_process, relaying, viewing

from cst_bus.producer import make_producer
from cst_mongo.leases import LEASES
from cst_relay import outlet
from cst_testkit.waiting import wait_until


async def test_every_event_arrives_in_order(world: World) -> None:
    requests = [f"CST-2026-{number:04d}" for number in range(12)]
    async with relaying(world):
        await asyncio.gather(*(world.create(request) for request in requests))
        await asyncio.gather(
            *(world.append(r, times=5, each=1 + i) for i, r in enumerate(requests))
        )
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
            assert len(view.records) == sum(map(len, (await world.stored()).values()))


async def test_a_request_over_several_buckets_keeps_its_order(world: World) -> None:
    await world.create("CST-2026-0001")
    async with relaying(world):
        await world.append("CST-2026-0001", times=3, each=90)
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)


async def test_a_replaced_document_is_sent_whole_and_text_is_not_sent(world: World) -> None:
    await world.create("CST-2026-0001")
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.append("CST-2026-0001", each=3)
        await world.all_relayed(view)
        logs = world.db.performance_logs
        document = await logs.find_one({})
        assert document is not None
        await logs.replace_one({"_id": document["_id"]}, document | {"touched": True})
        await view.until(lambda records: len(records) == 8, 10, "the four events again")
        await logs.update_one({}, {"$set": {"event_stream.0.meta.message": None}})
        await world.append("CST-2026-0001")
        await world.all_relayed(view)
        assert len(view.records) == 9
        assert all(b"large pothole" not in (record.value or b"") for record in view.records)


async def test_a_relay_killed_in_the_middle_loses_nothing(world: World) -> None:
    requests = [f"CST-2026-{number:04d}" for number in range(8)]
    writing = asyncio.create_task(_write(world, requests))
    async with relay_process(world) as first:
        await _sent(world, 20)
        await kill(first)
    async with relay_process(world) as second:
        await _sent(world, 60)
        await kill(second)
    await writing
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)


async def _write(world: World, requests: list[str]) -> None:
    await world.create(*requests)
    await asyncio.gather(*(world.append(request, times=40) for request in requests))


async def _sent(world: World, count: int) -> None:
    async def reached() -> bool:
        return int((await world.checkpoint()).get("sent", 0)) >= count

    await wait_until(reached, 20, f"{count} records sent")


class _FailingProducer:
    """A real producer whose ``nth`` batch is refused."""

    def __init__(self, real: Any, nth: list[int]) -> None:
        self._real = real
        self._nth = nth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        self._nth[0] -= 1
        if self._nth[0] == 0:
            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(KafkaError("refused"))
            return future
        return await self._real.send_batch(batch, topic, partition=partition)


@pytest.mark.parametrize("nth", [1, 3, 8])
async def test_a_failed_send_is_repeated_and_the_checkpoint_waits(
    world: World, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    left = [nth]
    monkeypatch.setattr(
        outlet, "make_producer", lambda *a, **kw: _FailingProducer(make_producer(*a, **kw), left)
    )
    requests = [f"CST-2026-{number:04d}" for number in range(6)]
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create(*requests)
        await asyncio.gather(*(world.append(request, times=3, each=2) for request in requests))
        await world.all_relayed(view)
        assert left[0] < 0
        sent = (await world.checkpoint())["sent"]
        await view.poll()
        assert sent <= len(view.records)


async def test_a_quiet_stream_moves_its_position(world: World) -> None:
    async with relaying(world):
        before = await world.checkpoint()

        async def moved() -> bool:
            return bool((await world.checkpoint())["token"] != before["token"])

        await wait_until(moved, 15, "the token of an idle stream to move")
        assert (await world.checkpoint())["sent"] == 0


async def test_a_stop_sends_what_was_read_and_frees_the_lease(world: World) -> None:
    await world.create("CST-2026-0001")
    async with relay_process(world) as process:
        await first_checkpoint(world)
        await world.append("CST-2026-0001", times=5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert time.monotonic() - began < 7
    lease = await world.db[LEASES.name].find_one({"_id": "relay:request-events"})
    assert lease is not None
    assert lease["holder"] is None
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.all_relayed(view)
        assert len(view.records) == len(consumed(view.records)["CST-2026-0001"])


async def test_a_malformed_event_goes_to_the_dead_letters_and_the_rest_goes_on(
    world: World,
) -> None:
    await world.create("CST-2026-0001", "CST-2026-0002")
    logs = world.db.performance_logs
    async with relaying(world):
        bad = {"subject": "CST-2026-0009", "type": "unheard_of", "seq": 0, "text": "my phone"}
        result = await logs.insert_one(
            {"request_id": "x", "bucket": 0, "event_stream": [bad], "last_seq": 0}
        )
        await world.append("CST-2026-0002")
        async with viewing(world.endpoints, f"{world.topic}.dlq", partitions=1) as dead:
            await dead.until(len, 10, "the dead letter")
            (record,) = dead.records
        await logs.delete_one({"_id": result.inserted_id})
        async with viewing(world.endpoints, world.topic) as view:
            await world.all_relayed(view)
    headers = dict(record.headers)
    assert record.key == b"CST-2026-0009"
    assert headers["cst_dlq_error"].startswith(b"KeyError")
    assert headers["cst_dlq_source"] == f"performance_logs/{result.inserted_id}".encode()
    assert b"my phone" not in (record.value or b"")
    assert (await world.checkpoint())["sent"] == 4


async def test_a_dropped_collection_does_not_end_the_relay(world: World) -> None:
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create("CST-2026-0001")
        await world.all_relayed(view)
        await world.db.performance_logs.drop()
        await world.create("CST-2026-0002")
        await view.until(lambda records: len(records) == 2, 10, "the event after the drop")
    async with relaying(world), viewing(world.endpoints, world.topic) as view:
        await world.create("CST-2026-0003")
        await view.until(lambda records: len(records) == 3, 10, "the event after a new start")
