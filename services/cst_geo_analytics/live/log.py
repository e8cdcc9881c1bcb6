"""The log of one broker, as far as it is in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from cst_geo_analytics.domain.live import Offsets, Position, parse_position
from cst_geo_analytics.live.ring import Entry, Frame, Ring


class Refusal(NamedTuple):
    """Why a client has to load the map anew: a word for programs, and a sentence."""

    reason: str
    detail: str


OTHER_LOG = Refusal("other_log", "the broker is another one than before, or was emptied")
TOO_SLOW = Refusal("too_slow", "more has happened meanwhile than is kept")


@dataclass
class Log:
    """What was read of a log: told in frames up to ``ring.position``, gathered up to ``end``.

    Attributes:
        name: of the log, as in positions.
        ring: what happened lately.
        end: the position up to which it was read.
        ahead: how many records a client's position may be ahead of that: another process may be
            quicker, and this one may still be reading up.
        since: what was recorded before is no news; None where that can't be.
        oldest_ms: when the broker got the oldest of what was gathered, in milliseconds since 1970.
    """

    name: str
    ring: Ring
    end: Offsets
    ahead: int
    since: datetime | None = None
    oldest_ms: int | None = None
    _gathered: list[Entry] = field(default_factory=list)

    def gather(self, entries: Sequence[Entry], end: Offsets, oldest_ms: int) -> None:
        """Take what was read up to ``end``, for the next frame."""
        self._gathered.extend(entries)
        self.end = end
        if self.oldest_ms is None:
            self.oldest_ms = oldest_ms

    def flush(self) -> Frame | None:
        """Make a frame of what was gathered; None where there is nothing to tell."""
        gathered, self._gathered = self._gathered, []
        self.oldest_ms = None
        return self.ring.add(gathered, self.end)

    def at(self, offsets: Offsets) -> Position:
        """Return a position in this log."""
        return Position(self.name, offsets)

    def resumable(self, text: str) -> Position | Refusal:
        """Return the position that a Last-Event-ID names, or why nobody can go on from it."""
        asked = parse_position(text)
        if asked is None:
            return Refusal("unknown_position", "the Last-Event-ID is none of this API's")
        if asked.log != self.name or len(asked.offsets) != len(self.end):
            return OTHER_LOG
        if not self.ring.reaches_back_to(asked.offsets):
            return Refusal("too_old", "what has happened since then is not kept any more")
        if any(a - e > self.ahead for a, e in zip(asked.offsets, self.end, strict=True)):
            return Refusal("ahead", "the log does not reach that far")
        return asked
