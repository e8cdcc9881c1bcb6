"""When an agent may be on leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from cst_contracts.agents import AddLeave

#: Two years, one of them a leap year.
LONGEST = timedelta(days=731)
#: Entries that have not ended yet.
MOST = 50
#: How long an entry stays after its end.
KEPT = timedelta(days=30)


class Fault(NamedTuple):
    """A field of a leave that is not accepted: why, and its value."""

    field: str
    message: str
    value: str | int


def faults(wanted: AddLeave, others: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Fault]:
    """Yield everything that is wrong with a new leave beside the agent's ``others``."""
    ahead = [other for other in others if other["ends_at"] > now]
    yield from _own_faults(wanted, now)
    for other in ahead:
        if wanted.starts_at < other["ends_at"] and other["starts_at"] < wanted.ends_at:
            span = f"{other['starts_at'].isoformat()} to {other['ends_at'].isoformat()}"
            message = f"overlaps the leave {other['leave_id']} from {span}"
            yield Fault("starts_at", message, wanted.starts_at.isoformat())
    if len(ahead) >= MOST:
        message = f"at most {MOST} entries that have not ended; delete one first"
        yield Fault("leave", message, len(ahead))


def _own_faults(wanted: AddLeave, now: datetime) -> Iterator[Fault]:
    start, end = wanted.starts_at, wanted.ends_at
    if end <= start:
        yield Fault("ends_at", "must be after starts_at", end.isoformat())
    elif end - start > LONGEST:
        message = f"must be at most {LONGEST.days} days after starts_at"
        yield Fault("ends_at", message, end.isoformat())
    if end <= now:
        yield Fault("ends_at", f"has been already, it is {now.isoformat()}", end.isoformat())


def with_new(
    leave: Iterable[dict[str, Any]], new: dict[str, Any], now: datetime
) -> list[dict[str, Any]]:
    """Return an agent's leave with a new entry, in order, without what ended long ago."""
    kept = [entry for entry in leave if entry["ends_at"] + KEPT >= now]
    return sorted([*kept, new], key=lambda entry: entry["starts_at"])
