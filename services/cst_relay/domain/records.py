"""What goes from the reader to the sender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

Document = dict[str, Any]
Headers = Sequence[tuple[str, bytes]]


class Record(NamedTuple):
    """A Kafka record before it is sent; ``dead`` ones go to the dead-letter topic.

    A value of None (a tombstone) says that the key is gone.
    """

    key: bytes
    value: bytes | None
    headers: Headers
    dead: bool = False

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")


class Reading(NamedTuple):
    """The records of one change or document, and when it was written (None where unknown)."""

    records: Sequence[Record]
    written_at: datetime | None = None


class Position(NamedTuple):
    """How far everything has been sent once this position is reached.

    Attributes:
        token: resume token of the change stream.
        at: time of that position, None for that of an idle stream.
        written_at: when the source says it was written; where a rebuild begins.
        rebuilt: a rebuild ends here.
    """

    token: Mapping[str, Any]
    at: datetime | None = None
    written_at: datetime | None = None
    rebuilt: bool = False

    def aware(self) -> Position:
        """Return it with aware datetimes; naive ones, as they are read, are in UTC."""
        return self._replace(at=_aware(self.at), written_at=_aware(self.written_at))


def _aware(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


class Entry(NamedTuple):
    """An element of the queue: a record, the position reached after it, or both.

    ``more``: the next one belongs to the same change, so no commit may come between them.
    """

    record: Record | None
    position: Position | None = None
    more: bool = False


def to_json(value: Any) -> bytes:
    """Return compact JSON; instants as ``instant`` writes them.

    Raises:
        TypeError: something in it has no form in JSON.
    """
    return orjson.dumps(value, default=_instant, option=orjson.OPT_PASSTHROUGH_DATETIME)


def instant(value: datetime) -> str:
    """Return RFC 3339 in UTC with milliseconds and ``Z``, e.g. ``2026-03-02T15:00:00.000Z``.

    A naive datetime is in UTC: so the relay reads them, in half the time of aware ones.
    """
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds") + "Z"


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return instant(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
