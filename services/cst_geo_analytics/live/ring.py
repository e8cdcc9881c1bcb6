"""What happened lately: frames of map events, bounded by their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cst_geo_analytics.domain.live import MapEvent, Offsets, Wanted, reached

#: So many of the latest frames keep what they look like for each filter: clients that keep up
#: share it, and whoever comes later has it made again.
SHARED_FRAMES = 8


class Entry(NamedTuple):
    """An event where it stands in the log; None in place of one that is left out."""

    partition: int
    offset: int
    event: MapEvent | None


class Told(NamedTuple):
    """An event where it stands in the log."""

    partition: int
    offset: int
    event: MapEvent


@dataclass(slots=True)
class Frame:
    """Events that are sent together; ``end`` is the position after them.

    ``encoded`` is what it looks like for some filters, at its own ``end``.
    """

    number: int
    end: Offsets
    told: Sequence[Told]
    encoded: dict[Wanted, bytes] = field(default_factory=dict)


class Ring:
    """The frames with the last ``capacity`` events; whole from ``start`` to ``position``."""

    def __init__(self, start: Offsets, capacity: int) -> None:
        self._start = list(start)
        self._capacity = capacity
        self._frames: deque[Frame] = deque()
        self._of_request: dict[str, deque[MapEvent]] = {}
        self.position = start
        self.next_number = 0
        self.events = 0

    @property
    def first_number(self) -> int:
        """Number of the oldest frame there is."""
        return self.next_number - len(self._frames)

    def frame(self, number: int) -> Frame | None:
        """Return a frame; None where it is gone, or not there yet."""
        index = number - self.first_number
        return self._frames[index] if 0 <= index < len(self._frames) else None

    def reaches_back_to(self, offsets: Offsets) -> bool:
        """Tell whether everything after ``offsets`` is here."""
        return reached(tuple(self._start), offsets)

    def number_after(self, offsets: Offsets) -> int:
        """Return the number of the first frame that holds something after ``offsets``."""
        for frame in self._frames:
            if not reached(frame.end, offsets):
                return frame.number
        return self.next_number

    def add(self, entries: Sequence[Entry], end: Offsets) -> Frame | None:
        """Take in what was read up to ``end``; return its frame, None where nothing is to tell.

        What a request's later event in the ring has overtaken was sent twice, and is dropped.
        """
        told = [taken for entry in entries if (taken := self._take(entry)) is not None]
        self.position = end
        if not told:
            return None
        frame = Frame(self.next_number, end, told)
        self._frames.append(frame)
        self.next_number += 1
        self.events += len(told)
        self._forget()
        return frame

    def _take(self, entry: Entry) -> Told | None:
        partition, offset, event = entry
        if event is None:
            self._left_out(partition, offset)
            return None
        known = self._of_request.setdefault(event.request_id, deque())
        if known and known[-1].seq >= event.seq:
            return None
        if not event.after.exact:
            self._withdraw(known)
        known.append(event)
        return Told(partition, offset, event)

    def _left_out(self, partition: int, offset: int) -> None:
        self._start[partition] = max(self._start[partition], offset + 1)

    def _withdraw(self, events: Sequence[MapEvent]) -> None:
        """Take back from the public what it could be told of a request until now."""
        for event in events:
            event.withdrawn = True
        if events:
            for frame in self._latest():
                frame.encoded.clear()

    def _latest(self) -> list[Frame]:
        count = min(SHARED_FRAMES, len(self._frames))
        return [self._frames[-1 - back] for back in range(count)]

    def _forget(self) -> None:
        if len(self._frames) > SHARED_FRAMES:
            self._frames[-1 - SHARED_FRAMES].encoded.clear()
        while self.events > self._capacity and len(self._frames) > 1:
            frame = self._frames.popleft()
            self.events -= len(frame.told)
            for partition, offset, event in frame.told:
                self._left_out(partition, offset)
                known = self._of_request[event.request_id]
                known.popleft()
                if not known:
                    del self._of_request[event.request_id]
