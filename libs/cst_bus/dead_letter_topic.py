"""Reading dead letters back from their topics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord, TopicPartition

from cst_bus import dead_letters as names
from cst_bus.topics_admin import end_offsets

#: How long a poll waits for more, in milliseconds.
POLL_MS = 500
#: So many polls without a record end the reading where the end cannot be reached: an open
#: transaction lies before it.
QUIET_POLLS = 4
#: Header of what the relay could not publish: the document it comes from.
SOURCE = "cst_dlq_source"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record of a dead-letter topic.

    Attributes:
        id: ``topic/partition/offset`` of itself.
        at: when it was sent.
        consumer: who could not handle it; ``relay:<feed>`` for what could not be published.
        error: why.
        request_id: the request that was parked for it, None where it belongs to none.
        source: where it comes from: ``topic/partition/offset``, or the document.
    """

    id: str
    at: datetime
    consumer: str
    error: str
    request_id: str | None
    source: str
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]

    @property
    def note_id(self) -> str:
        """Identity that outlives a broker which forgot and counts from 0 again."""
        return f"{self.id}@{int(self.at.timestamp() * 1000)}"


async def read_dead_letters(bootstrap: str, topic: str) -> AsyncIterator[DeadLetter]:
    """Yield every record of a dead-letter topic (its name as it is on the broker), oldest first.

    Raises:
        aiokafka.errors.KafkaError: the broker cannot be reached.
    """
    ends = await end_offsets(bootstrap, topic)
    places = {TopicPartition(topic, number): end for number, end in ends.items()}
    if not places:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, isolation_level="read_committed"
    )
    await consumer.start()
    try:
        consumer.assign(list(places))
        await consumer.seek_to_beginning(*places)
        quiet = 0
        while quiet < QUIET_POLLS:
            batches = await consumer.getmany(timeout_ms=POLL_MS)
            for records in batches.values():
                for record in records:
                    yield _letter(record)
            quiet = 0 if batches else quiet + 1
            # The embedded broker's end is too low: only a poll without a record says it is all.
            if quiet and all([await consumer.position(p) >= end for p, end in places.items()]):
                return
    finally:
        await consumer.stop()


def _letter(record: ConsumerRecord[bytes, bytes]) -> DeadLetter:
    headers = {key: value.decode(errors="replace") for key, value in record.headers}
    origin = [headers.get(name, "?") for name in (names.TOPIC, names.PARTITION, names.OFFSET)]
    return DeadLetter(
        id=f"{record.topic}/{record.partition}/{record.offset}",
        at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        consumer=headers.get(names.CONSUMER, "unknown"),
        error=headers.get(names.ERROR, "unknown"),
        request_id=headers.get(names.REQUEST),
        source=headers.get(SOURCE) or "/".join(origin),
        key=record.key,
        value=record.value,
        headers=headers,
    )
