"""The one clock that every process reads.

``CST_CLOCK=real`` is wall time. ``CST_CLOCK=<start>@<rate>`` starts at an ISO instant and runs
``rate`` times as fast; a rate of 0 stands still. Processes agree because they share the anchor, the
wall time at which ``<start>`` was (``cst_mongo.clocks`` keeps it).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cst_core.errors import InvalidInput

MAX_RATE = 100_000.0
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def to_ms(instant: datetime) -> datetime:
    """Return an aware instant in UTC, cut to the millisecond (the precision of BSON)."""
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def past_instant(field: str, text: str, now: datetime) -> datetime:
    """Read an RFC 3339 instant that has been by ``now``; in UTC, cut to the millisecond.

    Raises:
        InvalidInput: it is none, or later than ``now``; names ``field`` and what is allowed.
    """
    allowed = [f"an RFC 3339 instant with its offset (+ as %2B), at most {now.isoformat()}"]
    try:
        if not _RFC_3339.fullmatch(text):
            raise ValueError
        instant = to_ms(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise InvalidInput.field(field, "is not an instant", text, allowed) from None
    if instant > now:
        raise InvalidInput.field(field, "is in the future", text, allowed)
    return instant


def wall_now() -> datetime:
    """Return wall time; only for what must not follow a simulated clock (leases, overlaps)."""
    return to_ms(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock: ``start + (wall - anchor) * rate``, or wall time where there is no ``start``."""

    start: datetime | None = None
    rate: float = 1.0
    anchor: datetime | None = None

    def now(self) -> datetime:
        """Return the current instant, aware, UTC, to the millisecond."""
        if self.start is None or self.anchor is None:
            return wall_now()
        return to_ms(self.start + (datetime.now(UTC) - self.anchor) * self.rate)

    def wall_seconds(self, span: timedelta) -> float:
        """Return the wall seconds that ``span`` takes (infinite when the clock stands still)."""
        return span.total_seconds() / self.rate if self.rate > 0 else float("inf")

    async def sleep(self, span: timedelta) -> None:
        """Sleep for ``span`` of this clock's time."""
        await asyncio.sleep(self.wall_seconds(span))


def parse_clock(spec: str) -> tuple[datetime | None, float]:
    """Read a ``CST_CLOCK`` value.

    Returns:
        The start (None for ``real``) and the rate.

    Raises:
        ValueError: one line that says what is wrong and what is allowed.
    """
    if spec == "real":
        return None, 1.0
    start_text, sep, rate_text = spec.rpartition("@")
    allowed = "allowed: real, or <ISO instant with offset>@<rate>, e.g. 2026-01-01T00:00:00Z@60"
    if not sep:
        raise ValueError(f"CST_CLOCK={spec!r} has no @rate; {allowed}")
    try:
        start, rate = datetime.fromisoformat(start_text), float(rate_text)
    except ValueError as error:
        raise ValueError(f"CST_CLOCK={spec!r}: {error}; {allowed}") from None
    if start.tzinfo is None:
        raise ValueError(f"CST_CLOCK={spec!r}: the instant needs an offset or Z; {allowed}")
    if not 0 <= rate <= MAX_RATE:
        raise ValueError(f"CST_CLOCK={spec!r}: the rate must be between 0 and {MAX_RATE:g}")
    return to_ms(start), rate
