"""The consumer on a real broker: killed, rebalanced, fed with garbage; each effect happens once.

A mark drops events that come before it, so where every effect is there, none came out of order.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from bus_kit import consumer_process, consuming, dead_letters, publish, says
from pymongo.errors import PyMongoError

from cst_bus.marks import CollectionMarks
from cst_bus.parking import Outcome, Parking
from cst_bus.topics_admin import physical
from cst_contracts.topics import REQUEST_EVENTS
from cst_mongo.client import Database
from cst_stack import Endpoints
from cst_testkit.consumers import CountingHandler, Halting, story, tell
from cst_testkit.records import CITY, consumer_record
from cst_testkit.waiting import wait_until

REQUESTS = [f"CST-2026-{number:04d}" for number in range(1, 41)]
TRACE = ("ce_traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


def whole(*requests: str) -> set[tuple[str, int]]:
    return {(request, seq) for request in requests for seq in range(3)}


async def has_handled(handler: CountingHandler, expected: set[tuple[str, int]]) -> None:
    async def done() -> bool:
        return await handler.effects() == expected

    await wait_until(done, timeout=60, what=f"the effects of {handler.name}")


@pytest.mark.usefixtures("short_transactions")
@pytest.mark.parametrize("where", ["within", "after"])
async def test_a_consumer_killed_in_the_middle_of_a_batch_has_each_effect_once(
    either: Endpoints, own_db: Database, prefix: str, where: str
) -> None:
    await publish(either, prefix, [record for request in REQUESTS for record in story(request)])
    async with consumer_process(either, own_db, prefix, where) as process:
        await says(process, "stopped")
        process.kill()
    handler = CountingHandler(own_db, "killed")
    before = await handler.effects()
    assert before
    assert where == "after" or len(before) < 3 * len(REQUESTS)
    async with consumer_process(either, own_db, prefix, "nowhere"):
        await has_handled(handler, whole(*REQUESTS))


async def test_a_rebalance_in_the_middle_of_a_batch_has_each_effect_once(
    either: Endpoints, own_db: Database, prefix: str
) -> None:
    """The second process gets partitions whose events the first one is just handling."""
    await publish(either, prefix, [record for request in REQUESTS for record in story(request)])
    handler, later = CountingHandler(own_db, "killed"), [f"CST-2027-{n:04d}" for n in range(40)]
    async with consumer_process(either, own_db, prefix, "first") as first:
        await says(first, "handling")  # else the other one could have done everything by now
        async with consumer_process(either, own_db, prefix, "nowhere") as second:
            await says(second, "handling")
            assert first.stdin is not None
            first.stdin.write(b"\n")
            await has_handled(handler, whole(*REQUESTS))
            await publish(either, prefix, [record for one in later for record in story(one)])
            await has_handled(handler, whole(*REQUESTS, *later))
            assert (first.returncode, second.returncode) == (None, None)
    assert await dead_letters(either, prefix) == []


async def test_a_poison_record_parks_its_request_until_it_is_retried(
    either: Endpoints, own_db: Database, prefix: str
) -> None:
    poisoned, fine = REQUESTS[:2]
    handler = CountingHandler(own_db, "poisoned", poison={(poisoned, 1)})
    records, others = story(poisoned), story(fine)
    records[1] = replace(records[1], headers=[TRACE])
    async with consuming(either, own_db, prefix, handler):
        await tell(own_db, poisoned, 2)
        await publish(either, prefix, [*records[:2], *others])
        await has_handled(handler, {(poisoned, 0), *whole(fine)})
        marks = CollectionMarks(own_db, handler.name)
        await wait_until(marks.parked, timeout=30, what="the request to be parked")
        handler.poison.clear()
        outcome = await Parking(own_db, CITY, handler).retry(poisoned)
        assert outcome == Outcome(handled=1)
        await tell(own_db, poisoned, 3)
        await publish(either, prefix, records[2:])
        await has_handled(handler, whole(poisoned, fine))
    (letter,) = await dead_letters(either, prefix)
    assert (letter.consumer, letter.request_id) == (handler.name, poisoned)
    assert letter.error == f"ValueError: cannot handle {poisoned} 1"
    assert (letter.key, letter.value) == (records[1].key, records[1].value)
    assert letter.headers[TRACE[0]] == TRACE[1].decode()
    topic, partition, offset = letter.source.split("/")
    assert topic == physical(REQUEST_EVENTS.name, prefix)
    assert int(partition) in range(REQUEST_EVENTS.partitions)
    assert offset.isdigit()


async def test_later_events_of_a_parked_request_follow_it_and_are_applied_from_the_ledger(
    either: Endpoints, own_db: Database, prefix: str
) -> None:
    poisoned, fine = REQUESTS[:2]
    handler = CountingHandler(own_db, "following", poison={(poisoned, 0)})
    async with consuming(either, own_db, prefix, handler):
        await tell(own_db, poisoned)
        await publish(either, prefix, [*story(poisoned), *story(fine)])
        await has_handled(handler, whole(fine))

        async def all_dead() -> bool:
            return len(await dead_letters(either, prefix)) == 3

        await wait_until(all_dead, timeout=60, what="the three dead letters")
        handler.poison.clear()
        assert await Parking(own_db, CITY, handler).retry(poisoned) == Outcome(handled=3)
    letters = await dead_letters(either, prefix)
    assert [letter.error for letter in letters[1:]] == ["its request is parked"] * 2
    assert await handler.effects() == whole(poisoned, fine)


async def test_garbage_becomes_dead_letters_and_stops_nobody(
    either: Endpoints, own_db: Database, prefix: str
) -> None:
    victim, *others = REQUESTS[:5]
    created = story(victim)[0]
    assert created.value is not None
    key = b"garbage"
    garbage = [
        consumer_record(None, None),
        consumer_record(key, None),
        consumer_record(key, b""),
        consumer_record(key, bytes(range(256)) * 16),
        consumer_record(b"\xff\xfe", b"\x00" * 100),
        consumer_record(key, b'{"type": "cst.request.created"}'),
        consumer_record(key, b"[" * 5000),
        consumer_record(key, created.value),
        consumer_record(key, created.value.replace(b'"seq":0', b'"seq":"many"')),
        consumer_record(key, created.value.replace(b'"seq":0', b'"seq":%d' % 10**30)),
        # Compressed it passes the broker, but it is more than a producer may send as it is.
        consumer_record(key, b'"' + b"x" * 3_000_000),
    ]
    unknown = created.value.replace(b"cst.request.created", b"cst.request.from_the_future")
    handler = CountingHandler(own_db, "fed")
    async with consuming(either, own_db, prefix, handler) as processor:
        mixed = [*garbage, consumer_record(key, unknown)]
        for number, request in enumerate(others):
            mixed[number * 4 : number * 4] = story(request)
        await publish(either, prefix, mixed)
        await has_handled(handler, whole(*others))

        async def all_dead() -> bool:
            return len(await dead_letters(either, prefix)) == len(garbage)

        await wait_until(all_dead, timeout=60, what="the dead letters")
        assert processor.progress.error is None
    letters = await dead_letters(either, prefix)
    bodies = [letter.value for letter in letters]
    sizes = {len(record.value or b"") for record in garbage[:-1]}
    assert {len(body or b"") for body in bodies} == {*sizes, 100_000}
    (cut,) = [letter for letter in letters if "cst_dlq_cut_from" in letter.headers]
    assert cut.headers["cst_dlq_cut_from"] == "3000001"


async def test_a_step_down_in_the_middle_of_a_batch_is_waited_out(
    either: Endpoints, own_db: Database, prefix: str
) -> None:
    handler = Halting(own_db, "stepped down")
    await publish(either, prefix, [record for request in REQUESTS for record in story(request)])
    async with consuming(either, own_db, prefix, handler) as processor:
        await asyncio.wait_for(handler.inside.wait(), 60)
        with suppress(PyMongoError):  # it may close the connection before it answers
            await own_db.client.admin.command({"replSetStepDown": 2, "force": True})
        handler.may_go_on.set()
        await has_handled(handler, whole(*REQUESTS))
        assert handler.attempts > 1
        await wait_until(lambda: processor.progress.failing_since is None, 30)
    assert await dead_letters(either, prefix) == []
    assert await CollectionMarks(own_db, handler.name).parked() == 0
