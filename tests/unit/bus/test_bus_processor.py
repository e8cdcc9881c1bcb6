"""A consumer's effect happens once per event and in order, whatever the broker delivers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo.errors import AutoReconnect

from cst_bus.marks import MARKS, CollectionMarks, Mark
from cst_mongo.client import Database
from cst_mongo.transactions import transact
from cst_testkit.consumers import Consumer, story
from cst_testkit.records import consumer_record

A, B = "CST-2026-0001", "CST-2026-0002"


def whole(*requests: str) -> set[tuple[str, int]]:
    return {(request, seq) for request in requests for seq in range(3)}


async def mark_of(consumer: Consumer, request: str) -> dict[str, Any] | None:
    row: dict[str, Any] | None = await consumer.db[MARKS.name].find_one(
        {"_id": f"{consumer.handler.name}:{request}"}
    )
    return row


async def test_every_event_has_its_effect_and_leaves_its_mark(consumer: Consumer) -> None:
    await consumer.process(story(A) + story(B))
    assert await consumer.effects() == whole(A, B)
    mark = await mark_of(consumer, A)
    assert mark is not None
    assert (mark["seq"], mark["parked"]) == (2, False)


async def test_effect_and_mark_stand_or_fall_together(consumer: Consumer) -> None:
    consumer.handler.poison = {(A, 0)}
    await consumer.process(story(A)[:1])
    assert await consumer.effects() == set()
    mark = await mark_of(consumer, A)
    assert mark is not None
    assert mark["seq"] == -1


async def test_repeats_are_dropped_within_a_batch_and_between_batches(consumer: Consumer) -> None:
    one = story(A)
    await consumer.process([*one, *one])
    await consumer.process(one)
    assert await consumer.effects() == whole(A)


async def test_an_older_event_after_a_newer_one_is_dropped(consumer: Consumer) -> None:
    created, triaged, assigned = story(A)
    await consumer.process([created, assigned])
    await consumer.process([triaged])
    assert await consumer.effects() == {(A, 0), (A, 2)}
    assert consumer.dead.sent == []


@settings(max_examples=15)
@given(data=st.data())
async def test_any_delivery_at_least_once_has_each_effect_once(db: Database, data: Any) -> None:
    """Batches of any size; after each the consumer may fall back to an earlier offset."""
    consumer = Consumer(db, f"replay {uuid.uuid4()}")
    log = [record for pair in zip(story(A), story(B), strict=True) for record in pair]
    position = 0
    while position < len(log):
        end = data.draw(st.integers(position + 1, len(log)))
        await consumer.process(log[position:end])
        position = data.draw(st.sampled_from([end, end, data.draw(st.integers(0, end))]))
    assert await consumer.effects() == whole(A, B)


async def test_a_poison_record_parks_its_request_and_nobody_else(consumer: Consumer) -> None:
    consumer.handler.poison = {(A, 1)}
    await consumer.process(
        [record for pair in zip(story(A), story(B), strict=True) for record in pair]
    )
    assert await consumer.effects() == {(A, 0)} | whole(B)
    assert [(record.key, record.offset) for record, _ in consumer.dead.sent] == [
        (A.encode(), 1),
        (A.encode(), 2),
    ]
    assert "cannot handle" in consumer.dead.sent[0][1]
    assert "parked" in consumer.dead.sent[1][1]


async def test_a_parked_request_stays_parked_in_later_batches(consumer: Consumer) -> None:
    consumer.handler.poison = {(A, 0)}
    await consumer.process(story(A)[:1])
    consumer.handler.poison = set()
    await consumer.process(story(A)[1:] + story(B))
    assert consumer.dead.offsets == [0, 1, 2]
    assert await consumer.effects() == whole(B)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"type": "cst.request.created"}'],
    ids=["empty", "cut", "list", "null", "no text", "no envelope"],
)
async def test_a_record_that_nobody_can_read_is_a_dead_letter(
    consumer: Consumer, value: bytes
) -> None:
    broken = consumer_record(A.encode(), value, offset=7)
    await consumer.process([broken, *story(A), *story(B)])
    assert consumer.dead.offsets[0] == 7
    assert await consumer.effects() == whole(B)


async def test_a_tombstone_without_key_is_a_dead_letter_and_parks_nothing(
    consumer: Consumer,
) -> None:
    await consumer.process([consumer_record(None, None, offset=7), *story(A)])
    assert consumer.dead.offsets == [7]
    assert await consumer.effects() == whole(A)


async def test_an_event_whose_data_is_not_what_its_type_promises_is_a_dead_letter(
    consumer: Consumer,
) -> None:
    created = story(A)[0]
    assert created.value is not None
    broken = consumer_record(created.key, created.value.replace(b'"facts"', b'"fax"'), offset=3)
    await consumer.process([broken])
    assert consumer.dead.offsets == [3]


async def test_what_the_handler_does_not_want_is_passed_by(consumer: Consumer) -> None:
    consumer.handler.types = frozenset({"triaged"})
    await consumer.process(story(A))
    assert await consumer.effects() == {(A, 1)}


async def test_a_transient_error_is_tried_again_until_it_passes(
    consumer: Consumer,
) -> None:
    consumer.handler.failures = [AutoReconnect("election")] * 2
    await consumer.process(story(A))
    assert consumer.handler.attempts == 3
    assert await consumer.effects() == whole(A)
    assert consumer.dead.sent == []


async def test_an_error_that_passes_costs_nothing_but_another_attempt(consumer: Consumer) -> None:
    consumer.handler.failures = [ValueError("a race of ours")] * 2
    await consumer.process(story(A)[:1])
    assert await consumer.effects() == {(A, 0)}
    assert consumer.dead.sent == []


async def test_an_election_during_the_attempts_does_not_count_as_one(consumer: Consumer) -> None:
    consumer.handler.failures = [ValueError("first"), *[AutoReconnect("election")] * 5]
    await consumer.process(story(A)[:1])
    assert consumer.dead.sent == []
    assert await consumer.effects() == {(A, 0)}


async def test_a_dead_letter_that_cannot_be_sent_holds_the_batch_back(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the offset is not committed and the record comes again."""

    async def unreachable(*_: Any, **__: Any) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(consumer.dead, "send", unreachable)
    with pytest.raises(ConnectionError):
        await consumer.process([consumer_record(A.encode(), b"{", offset=7)])
    monkeypatch.undo()
    await consumer.process([consumer_record(A.encode(), b"{", offset=7), *story(B)])
    assert consumer.dead.offsets == [7]
    assert await consumer.effects() == whole(B)


async def test_a_big_batch_is_applied_in_transactions_of_the_chunk_size(consumer: Consumer) -> None:
    batch = [record for number in range(10) for record in story(f"CST-2026-1{number:03d}")]
    await consumer.process(batch, chunk=7)
    assert consumer.handler.attempts == 5
    assert len(await consumer.effects()) == 30


async def test_consumers_keep_their_marks_apart(db: Database) -> None:
    first, second = CollectionMarks(db, "first"), CollectionMarks(db, "second")
    await transact(db, lambda session: first.save({A: 5}, session))
    await transact(db, lambda session: second.park(A, "why", session))

    async def marks(of: CollectionMarks) -> Any:
        return await transact(db, lambda session: of.load([A, B], session))

    assert await marks(first) == {A: Mark(5)}
    other = (await marks(second))[A]
    assert (other.seq, other.parked and other.parked.error) == (-1, "why")
    assert (await first.parked(), await second.parked()) == (0, 1)
