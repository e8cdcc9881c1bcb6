"""The sender: the checkpoint never passes what is acknowledged, order per key holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata, TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from cst_relay.domain.records import Entry, Position, Record
from cst_relay.errors import BrokerForgot, DeliveryTimeout, LeaseLost
from cst_relay.metrics import RelayMetrics
from cst_relay.queue import EntryQueue
from cst_relay.sender import Destination, Sender

PARTITIONS = 3
BATCH = 4


class FakeBatch:
    """Takes ``BATCH`` records."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def append(self, *, timestamp: int, key: bytes, value: bytes, headers: Any) -> object | None:
        if len(self.records) == BATCH:
            return None
        self.records.append(Record(key, value, headers))
        return object()

    def close(self) -> None: ...

    def record_count(self) -> int:
        return len(self.records)


class FakeBroker:
    """A producer and its log in one; the ``fails``-th batch is refused."""

    def __init__(self, fails: int | None = None, silent: bool = False) -> None:
        self.log: dict[TopicPartition, list[Record]] = {}
        self.batches = 0
        self._fails = fails
        self._silent = silent

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(
        self, batch: FakeBatch, topic: str, *, partition: int
    ) -> asyncio.Future[RecordMetadata]:
        target = TopicPartition(topic, partition)
        future: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.batches += 1
        if self._silent:
            return future
        if self.batches == self._fails:
            future.set_exception(KafkaError("refused"))
            return future
        log = self.log.setdefault(target, [])
        offset = len(log)
        log.extend(batch.records)
        future.set_result(RecordMetadata(topic, partition, target, offset, -1, 0, 0))
        return future


class Notes:
    """Stands in for the checkpoint's keeper."""

    def __init__(self) -> None:
        self.position: Position | None = None
        self.sent = 0

    def acknowledged(
        self, position: Position | None, offsets: Mapping[int, int], sent: int
    ) -> None:
        self.position = position or self.position
        self.sent += sent


def entry(number: int, key: int, *, dead: bool = False) -> Entry:
    record = Record(b"key%d" % key, b"%d" % number, [], dead)
    return Entry(record, Position({"n": number}))


async def send(broker: FakeBroker, entries: Iterable[Entry], notes: Notes, **options: Any) -> None:
    queue = EntryQueue(max_entries=10_000, max_bytes=1 << 30)
    for one in entries:
        queue.append(one)
    queue.close()
    sender = Sender(
        broker,
        queue,
        Destination("t", PARTITIONS, "t.dlq", options.pop("offsets", {})),
        notes,  # type: ignore[arg-type]
        RelayMetrics("test"),
        guard=options.pop("guard", lambda: None),
        timeout_s=options.pop("timeout_s", 5),
    )
    await sender.run()


def values(log: Mapping[TopicPartition, list[Record]]) -> dict[bytes, list[int]]:
    """Return the numbers sent of each key, in the order of its partition."""
    found: dict[bytes, list[int]] = {}
    for records in log.values():
        for record in records:
            found.setdefault(record.key, []).append(int(record.value))
    return found


@given(
    keys=st.lists(st.integers(min_value=0, max_value=8), max_size=80),
    fails=st.none() | st.integers(min_value=1, max_value=25),
)
@settings(deadline=None)
def test_what_the_checkpoint_says_is_in_the_log_in_order(
    keys: list[int], fails: int | None
) -> None:
    broker, notes = FakeBroker(fails), Notes()
    entries = [entry(number, key) for number, key in enumerate(keys)]
    failed = False
    try:
        asyncio.run(send(broker, entries, notes))
    except KafkaError:
        failed = True
    found = values(broker.log)
    assert all(numbers == sorted(numbers) for numbers in found.values())
    through = -1 if notes.position is None else notes.position.token["n"]
    for number, key in enumerate(keys[: through + 1]):
        assert number in found[b"key%d" % key]
    assert failed or through == len(keys) - 1
    assert notes.sent == through + 1
    # No record of a key is in the log without every earlier one of that key.
    for key in set(keys):
        mine = [number for number, k in enumerate(keys) if k == key]
        assert found.get(b"key%d" % key, []) == mine[: len(found.get(b"key%d" % key, []))]


async def test_a_position_without_record_moves_the_checkpoint() -> None:
    notes = Notes()
    await send(FakeBroker(), [Entry(None, Position({"n": 7}))], notes)
    assert notes.position == Position({"n": 7})
    assert notes.sent == 0


async def test_a_change_of_several_records_counts_when_all_are_there() -> None:
    records = [Record(b"key", b"%d" % n, []) for n in range(BATCH + 1)]
    entries = [Entry(record) for record in records[:-1]]
    entries.append(Entry(records[-1], Position({"n": 1})))
    notes = Notes()
    with pytest.raises(KafkaError):
        await send(FakeBroker(fails=2), entries, notes)
    assert notes.position is None
    assert notes.sent == BATCH


async def test_dead_letters_go_their_own_way_within_the_same_acknowledgement() -> None:
    broker, notes = FakeBroker(), Notes()
    await send(broker, [entry(0, 1), entry(1, 2, dead=True), entry(2, 1)], notes)
    assert [r.value for r in broker.log[TopicPartition("t.dlq", 0)]] == [b"1"]
    assert values(broker.log) == {b"key1": [0, 2], b"key2": [1]}
    assert notes.position == Position({"n": 2})


async def test_a_silent_broker_is_given_up_on() -> None:
    notes = Notes()
    with pytest.raises(DeliveryTimeout):
        await send(FakeBroker(silent=True), [entry(0, 1)], notes, timeout_s=0.05)
    assert notes.position is None


async def test_a_broker_that_counts_from_the_start_again_is_noticed() -> None:
    notes = Notes()
    offsets = dict.fromkeys(range(PARTITIONS), 5)
    with pytest.raises(BrokerForgot):
        await send(FakeBroker(), [entry(0, 1)], notes, offsets=offsets)
    assert notes.position is None


async def test_nothing_is_sent_without_the_lease() -> None:
    def lost() -> None:
        raise LeaseLost("test")

    broker = FakeBroker()
    with pytest.raises(LeaseLost):
        await send(broker, [entry(0, 1)], Notes(), guard=lost)
    assert broker.batches == 0
