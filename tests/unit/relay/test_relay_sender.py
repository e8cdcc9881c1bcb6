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

from cst_relay.checkpoint import Checkpoint
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


class FakeOutlet:
    """Commits after every ``rounds`` rounds; what is not committed counts as not sent."""

    def __init__(self, broker: FakeBroker, rounds: int = 1) -> None:
        self.producer = broker
        self.committed: dict[TopicPartition, list[Record]] = {}
        self.commits = 0
        self._rounds = rounds
        self._begun = 0

    async def begin(self) -> None:
        self._begun += 1

    def due_in_s(self) -> float:
        return 0.0 if self._begun in (0, self._rounds) else 60.0

    async def commit(self, checkpoint: Checkpoint) -> None:
        self.committed = {target: list(log) for target, log in self.producer.log.items()}
        self.commits += 1
        self._begun = 0


class Notes:
    """Stands in for the checkpoint's keeper."""

    def __init__(self) -> None:
        self.checkpoint = Checkpoint("cluster")

    def moved_to(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    @property
    def through(self) -> int:
        """Number of the last entry that the checkpoint covers; -1 where there is none."""
        token = self.checkpoint.token
        return -1 if token is None else token["n"]


def entry(number: int, key: int, *, dead: bool = False) -> Entry:
    record = Record(b"key%d" % key, b"%d" % number, [], dead)
    return Entry(record, Position({"n": number}))


async def send(
    broker: FakeBroker | FakeOutlet, entries: Iterable[Entry], notes: Notes, **options: Any
) -> None:
    queue = EntryQueue(max_entries=10_000, max_bytes=1 << 30)
    for one in entries:
        queue.append(one)
    queue.close()
    sender = Sender(
        broker if isinstance(broker, FakeOutlet) else FakeOutlet(broker),  # type: ignore[arg-type]
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
    rounds=st.integers(min_value=1, max_value=4),
)
@settings(deadline=None)
def test_what_the_checkpoint_says_is_committed_in_order(
    keys: list[int], fails: int | None, rounds: int
) -> None:
    broker, notes = FakeBroker(fails), Notes()
    outlet = FakeOutlet(broker, rounds)
    entries = [entry(number, key) for number, key in enumerate(keys)]
    failed = False
    try:
        asyncio.run(send(outlet, entries, notes))
    except KafkaError:
        failed = True
    found = values(broker.log)
    assert all(numbers == sorted(numbers) for numbers in found.values())
    through, committed = notes.through, values(outlet.committed)
    for number, key in enumerate(keys[: through + 1]):
        assert number in committed[b"key%d" % key]
    assert failed or through == len(keys) - 1
    assert notes.checkpoint.sent == sum(map(len, committed.values())) == through + 1
    # No record of a key is in the log without every earlier one of that key.
    for key in set(keys):
        mine = [number for number, k in enumerate(keys) if k == key]
        assert found.get(b"key%d" % key, []) == mine[: len(found.get(b"key%d" % key, []))]


async def test_a_position_without_record_moves_the_checkpoint() -> None:
    notes = Notes()
    await send(FakeBroker(), [Entry(None, Position({"n": 7}))], notes)
    assert (notes.through, notes.checkpoint.sent) == (7, 0)


async def test_rounds_share_a_commit_until_it_is_due() -> None:
    outlet, notes = FakeOutlet(FakeBroker(), rounds=3), Notes()
    await send(outlet, [entry(n, 0) for n in range(5 * BATCH)], notes)
    assert outlet.commits == 2
    assert notes.through == 5 * BATCH - 1


async def test_a_change_of_several_records_counts_when_all_are_there() -> None:
    records = [Record(b"key", b"%d" % n, []) for n in range(BATCH + 1)]
    entries = [Entry(record, more=True) for record in records[:-1]]
    entries.append(Entry(records[-1], Position({"n": 1})))
    notes, outlet = Notes(), FakeOutlet(FakeBroker(fails=2))
    with pytest.raises(KafkaError):
        await send(outlet, entries, notes)
    assert (notes.through, notes.checkpoint.sent, outlet.commits) == (-1, 0, 0)
    outlet = FakeOutlet(FakeBroker())
    await send(outlet, entries, notes)
    assert (notes.through, notes.checkpoint.sent, outlet.commits) == (1, BATCH + 1, 1)


async def test_dead_letters_go_their_own_way_within_the_same_acknowledgement() -> None:
    broker, notes = FakeBroker(), Notes()
    await send(broker, [entry(0, 1), entry(1, 2, dead=True), entry(2, 1)], notes)
    assert [r.value for r in broker.log[TopicPartition("t.dlq", 0)]] == [b"1"]
    assert values(broker.log) == {b"key1": [0, 2], b"key2": [1]}
    assert notes.through == 2


async def test_a_silent_broker_is_given_up_on() -> None:
    notes = Notes()
    with pytest.raises(DeliveryTimeout):
        await send(FakeBroker(silent=True), [entry(0, 1)], notes, timeout_s=0.05)
    assert notes.through == -1


async def test_a_broker_that_counts_from_the_start_again_is_noticed() -> None:
    notes = Notes()
    offsets = dict.fromkeys(range(PARTITIONS), 5)
    with pytest.raises(BrokerForgot):
        await send(FakeBroker(), [entry(0, 1)], notes, offsets=offsets)
    assert notes.through == -1


async def test_nothing_is_sent_without_the_lease() -> None:
    def lost() -> None:
        raise LeaseLost("test")

    broker = FakeBroker()
    with pytest.raises(LeaseLost):
        await send(broker, [entry(0, 1)], Notes(), guard=lost)
    assert broker.batches == 0
