"""From a Kafka record to the event in it, or to why there is none that may be handled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from aiokafka.structs import ConsumerRecord
from pydantic import TypeAdapter, ValidationError

from cst_contracts.base import RequestId
from cst_contracts.events import RequestEvent

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"

#: The largest number that the database can hold.
MAX_SEQ = 2**63 - 1
_REQUEST_ID = TypeAdapter[str](RequestId)


@dataclass(frozen=True, slots=True)
class Item:
    """A record and the event in it."""

    record: Record
    event: RequestEvent


class Unreadable(Exception):
    """A record holds no event that may be handled.

    Attributes:
        request_id: the request that may lack an event for it; None where it names none.
        seq: the event's number, where that can be told.
    """

    def __init__(self, detail: str, request_id: str | None, seq: int | None = None) -> None:
        super().__init__(detail)
        self.request_id = request_id
        self.seq = seq


def read(record: Record, types: Collection[str]) -> Item | None:
    """Return the event of a record, None where its type is not one of ``types``.

    Raises:
        Unreadable: it is no event, its data is not what its type promises, or it came with another
            key than its subject: only records of one key are in order.
    """
    try:
        event = RequestEvent.model_validate_json(record.value or b"")
    except ValidationError as error:
        raise Unreadable(f"ValidationError: {error}", _request_of(record.key)) from error
    if event.name not in types:
        return None
    if event.seq > MAX_SEQ:
        raise Unreadable(f"seq {event.seq} is over {MAX_SEQ}", event.subject)
    if record.key != event.subject.encode():
        key = (record.key or b"").decode(errors="replace")
        raise Unreadable(
            f"its key {key!r} is not its subject {event.subject}", event.subject, event.seq
        )
    try:
        event.typed()
    except (ValidationError, KeyError) as error:
        detail = f"{type(error).__name__}: {error}"
        raise Unreadable(detail, event.subject, event.seq) from error
    return Item(record, event)


def _request_of(key: bytes | None) -> str | None:
    try:
        return _REQUEST_ID.validate_python((key or b"").decode())
    except (ValidationError, UnicodeDecodeError):
        return None
