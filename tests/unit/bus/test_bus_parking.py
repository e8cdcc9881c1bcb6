"""A parked request goes on from the ledger: in order, once, whatever comes in meanwhile."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from cst_bus.dead_letter_notes import DeadLetterNotes, Decision
from cst_bus.marks import CollectionMarks, Mark
from cst_bus.parking import Outcome, Parking, StillParked
from cst_mongo.client import Database, Session
from cst_testkit.consumers import Consumer, Halting, story, tell
from cst_testkit.records import CITY, consumer_record

DECISION = Decision("operator", "not worth it")


@pytest.fixture
def request_id(request: pytest.FixtureRequest) -> str:
    """A request of this test's own in the file's database."""
    return f"CST-2026-{zlib.crc32(request.node.name.encode()):010d}"


async def parked_at(consumer: Consumer, request_id: str, seq: int, told: int = 3) -> None:
    """Let a consumer park a request at an event; what the ledger holds has come by."""
    await tell(consumer.db, request_id, told)
    consumer.handler.poison = {(request_id, seq)}
    await consumer.process(story(request_id)[:told])
    consumer.handler.poison = set()


async def mark(consumer: Consumer, request_id: str) -> Mark:
    return await consumer.parking.mark(request_id)


async def test_a_mark_says_why_its_request_is_parked_and_where(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 1)
    found = {key: value async for key, value in consumer.parking.parked()}
    why = found[request_id].parked
    assert why is not None
    assert (found[request_id].seq, why.seq) == (0, 1)
    assert why.error == f"ValueError: cannot handle {request_id} 1"
    assert await consumer.parking.count_waiting(request_id, found[request_id]) == 2
    waiting = await consumer.parking.waiting(request_id, found[request_id])
    assert [(event["seq"], event["type"]) for event in waiting] == [(1, "triaged"), (2, "assigned")]


async def test_retry_applies_what_waits_and_later_events_flow_again(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0, told=2)
    assert await consumer.parking.retry(request_id) == Outcome(handled=2)
    assert await mark(consumer, request_id) == Mark(1)
    await consumer.process(story(request_id))
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}
    assert consumer.dead.offsets == [0, 1]


async def test_retry_goes_on_over_more_events_than_one_transaction_takes(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0)
    consumer.handler.attempts = 0
    assert await consumer.parking.retry(request_id) == Outcome(handled=3)
    assert consumer.handler.attempts == 2
    assert (await mark(consumer, request_id)).parked is None


async def test_a_retry_that_fails_handles_what_comes_before_and_says_where_it_stands(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0)
    first = (await mark(consumer, request_id)).parked
    consumer.handler.poison = {(request_id, 1)}
    with pytest.raises(StillParked, match=f"event 1 of {request_id} fails again.*cannot handle"):
        await consumer.parking.retry(request_id)
    left = await mark(consumer, request_id)
    assert first is not None
    assert left.parked is not None
    assert (left.seq, left.parked.seq, left.parked.since) == (0, 1, first.since)
    assert await consumer.effects() == {(request_id, 0)}


async def test_retry_of_what_is_not_parked_changes_nothing(
    consumer: Consumer, request_id: str
) -> None:
    await tell(consumer.db, request_id)
    await consumer.process(story(request_id)[:1])
    assert await consumer.parking.retry(request_id) == Outcome()
    assert await mark(consumer, request_id) == Mark(0)
    assert await consumer.effects() == {(request_id, 0)}


async def test_an_outage_during_a_retry_is_not_the_events_fault(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 1)
    before = await mark(consumer, request_id)
    consumer.handler.failures = [AutoReconnect("gone")]
    with pytest.raises(AutoReconnect):
        await consumer.parking.retry(request_id)
    assert await mark(consumer, request_id) == before


async def test_retries_at_the_same_time_apply_each_event_once(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0)
    done = await asyncio.gather(*(consumer.parking.retry(request_id) for _ in range(5)))
    assert sum(outcome.handled for outcome in done) == 3
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}


async def test_discard_skips_the_event_at_fault_and_handles_the_rest(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 1)
    consumer.handler.poison = {(request_id, 1)}
    outcome = await consumer.parking.discard(request_id, DECISION)
    assert outcome == Outcome(handled=1, skipped=1)
    assert await consumer.effects() == {(request_id, 0), (request_id, 2)}
    note = (await DeadLetterNotes(consumer.db).all())[f"{consumer.name}/{request_id}@1"]
    assert note.decision == DECISION
    assert await consumer.parking.discard(request_id, DECISION) == Outcome()


async def test_discarding_the_last_event_keeps_it_from_ever_having_an_effect(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0, told=1)
    assert await consumer.parking.discard(request_id, DECISION) == Outcome(skipped=0)
    await consumer.process(story(request_id))
    assert await consumer.effects() == {(request_id, 1), (request_id, 2)}


async def test_discard_after_an_unreadable_record_skips_no_event(
    consumer: Consumer, request_id: str
) -> None:
    await tell(consumer.db, request_id)
    broken = consumer_record(request_id.encode(), b"{not json", offset=7)
    await consumer.process([broken, *story(request_id)])
    assert await consumer.effects() == set()
    outcome = await consumer.parking.discard(request_id, DECISION)
    assert outcome == Outcome(handled=3)
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}


async def test_what_was_parked_for_garbage_alone_leaves_no_mark(
    consumer: Consumer, request_id: str
) -> None:
    await consumer.process([consumer_record(request_id.encode(), b"\xff")])
    assert (await mark(consumer, request_id)).parked is not None
    assert await consumer.parking.retry(request_id) == Outcome()
    assert await mark(consumer, request_id) == Mark()


class HaltingMarks(CollectionMarks):
    """Halts within the transaction that has unparked, before it commits."""

    def __init__(self, db: Database, consumer: str) -> None:
        super().__init__(db, consumer)
        self.inside, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def unpark(self, request_id: str, session: Session) -> None:
        await super().unpark(request_id, session)
        self.inside.set()
        await self.may_go_on.wait()


async def test_an_event_passed_by_while_a_retry_has_read_the_ledger_is_not_lost(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0, told=2)
    halting = Halting(consumer.db, consumer.name)
    retry = asyncio.create_task(Parking(consumer.db, CITY, halting).retry(request_id))
    await halting.inside.wait()
    await tell(consumer.db, request_id)
    await consumer.process(story(request_id)[2:])
    assert consumer.dead.offsets == [0, 1, 2]
    halting.may_go_on.set()
    await retry
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}
    assert await mark(consumer, request_id) == Mark(2)


async def test_an_event_met_while_a_retry_is_unparking_waits_for_it(
    consumer: Consumer, request_id: str
) -> None:
    await parked_at(consumer, request_id, 0, told=2)
    marks = HaltingMarks(consumer.db, consumer.name)
    parking = Parking(consumer.db, CITY, consumer.handler, marks=marks)
    retry = asyncio.create_task(parking.retry(request_id))
    await marks.inside.wait()
    await tell(consumer.db, request_id)
    live = asyncio.create_task(consumer.process(story(request_id)[2:]))
    marks.may_go_on.set()
    await asyncio.gather(retry, live)
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}
    assert (await mark(consumer, request_id)).parked is None


@pytest.mark.parametrize("round_", range(10))
async def test_retry_beside_live_events_ends_with_every_effect_once(
    consumer: Consumer, request_id: str, round_: int
) -> None:
    await parked_at(consumer, request_id, 0, told=1)

    async def live() -> None:
        for told in (2, 3):
            await tell(consumer.db, request_id, told)
            await consumer.process(story(request_id)[:told])

    async def retries() -> None:
        for _ in range(4):
            await consumer.parking.retry(request_id)

    await asyncio.gather(live(), retries(), retries())
    await consumer.parking.retry(request_id)
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}
    assert await mark(consumer, request_id) == Mark(2)


async def test_a_consumer_that_gives_up_late_does_not_park_what_another_has_handled(
    consumer: Consumer, request_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a rebalance: the same event is at two processes."""
    late = Consumer(consumer.db, consumer.name)
    late.handler.poison = {(request_id, 0)}
    park = CollectionMarks.park

    async def overtaken(marks: CollectionMarks, *args: Any, **options: Any) -> bool:
        await consumer.process(story(request_id))
        monkeypatch.undo()
        return await park(marks, *args, **options)

    monkeypatch.setattr("cst_bus.processor.ATTEMPT_WAITS", (0, 0, 0))
    monkeypatch.setattr(CollectionMarks, "park", overtaken)
    await late.process(story(request_id)[:1])
    assert (await mark(consumer, request_id)).parked is None
    assert await consumer.effects() == {(request_id, seq) for seq in range(3)}
    assert late.dead.sent == []
