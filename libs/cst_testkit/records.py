"""Kafka records without Kafka, and a dead-letter topic that remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka.structs import ConsumerRecord

from cst_bus.dead_letters import DeadLetters, Headers
from cst_contracts.topics import REQUEST_EVENTS
from cst_relay.domain.request_records import event_record

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
CITY = "new-york"


def consumer_record(
    key: bytes | None, value: bytes | None, *, offset: int = 0, headers: Headers = ()
) -> Record:
    """Return a record as a consumer of the request events gets it."""
    return ConsumerRecord(
        topic=REQUEST_EVENTS.name,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=tuple(headers),
    )


def record_of(event: dict[str, Any], *, offset: int = 0) -> Record:
    """Return the record that the relay makes of a stored event."""
    made = event_record(event, CITY)
    return consumer_record(made.key, made.value, offset=offset, headers=made.headers)


@dataclass
class RecordingDeadLetters(DeadLetters):
    """Remembers what it was sent: (record, reason)."""

    sent: list[tuple[Record, str]] = field(default_factory=list)

    async def send(
        self,
        record: Record,
        *,
        consumer: str,
        error: BaseException | str,
        request_id: str | None = None,
    ) -> None:
        self.sent.append((record, str(error)))

    @property
    def offsets(self) -> list[int]:
        """Offsets of the records, in the order they came."""
        return [record.offset for record, _ in self.sent]
