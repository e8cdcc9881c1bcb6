"""A batch of records as the chunks that are applied together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from cst_bus.reading import Item, Record, Unreadable, read
from cst_contracts.events import RequestEvent

#: Events in one transaction at most; much larger ones conflict and stall.
CHUNK = 100
#: After a chunk that had to begin anew comes one of half its size, down to this; else one that is
#: larger by a part of its size. So about one in ten begins anew where workers get in each other's
#: way, and none elsewhere.
LEAST, GROWTH = 25, 16
#: Records that are read at a time while the chunk before them waits for the database.
SLICE = 20

#: Where an event's effect lies, as text that sorts by place.
Near: TypeAlias = Callable[[RequestEvent], str]


@dataclass(slots=True)
class Part:
    """Items to be applied together, and the record after them where that is no event."""

    items: list[Item] = field(default_factory=list)
    refused: tuple[Record, Unreadable] | None = None


class Chunks:
    """Reads records and divides them; learns how large chunks may be.

    Args:
        types: the events that are wanted.
        chunk: how many may be in one at most.
        near: see `Processor`.
    """

    def __init__(self, types: Collection[str], chunk: int, near: Near | None) -> None:
        self._types = types
        self._most = self._size = chunk
        self._near = near

    def adapt(self, *, begun_anew: bool) -> None:
        """Note whether a chunk got in the way of somebody else's."""
        if begun_anew:
            self._size = max(min(LEAST, self._most), self._size // 2)
        else:
            self._size = min(self._most, self._size + self._size // GROWTH + 1)

    async def of(self, records: Sequence[Record]) -> AsyncIterator[Part]:
        """Yield chunks, each request's events in order; lets others run while it reads."""
        whole = Part()
        for number, record in enumerate(records, 1):
            self._read(record, whole)
            # What is to lie near each other is chosen among all that there is.
            enough = self._near is None and len(whole.items) >= self._size
            if whole.refused is not None or enough:
                for part in self._divided(whole):
                    yield part
                whole = Part()
            if number % SLICE == 0:
                await asyncio.sleep(0)
        for part in self._divided(whole):
            yield part

    def _read(self, record: Record, into: Part) -> None:
        try:
            item = read(record, self._types)
        except Unreadable as error:
            into.refused = record, error
            return
        if item is not None:
            into.items.append(item)

    def _divided(self, whole: Part) -> Iterator[Part]:
        items = whole.items if self._near is None else _by_place(whole.items, self._near)
        while len(items) > self._size:
            size = self._size
            yield Part(items[:size])
            items = items[size:]
        yield Part(items, whole.refused)


def _by_place(items: Sequence[Item], near: Near) -> list[Item]:
    """Return items by the place of each request's first one, in order for each request.

    From a random place on: two workers that would go through a city side by side otherwise do so
    at different ends of it.
    """
    requests: dict[str, list[Item]] = {}
    for item in items:
        requests.setdefault(item.event.subject, []).append(item)
    ordered = sorted(requests.values(), key=lambda own: near(own[0].event))
    start = random.randrange(len(ordered)) if ordered else 0
    return [item for own in ordered[start:] + ordered[:start] for item in own]
