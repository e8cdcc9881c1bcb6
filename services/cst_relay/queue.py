"""The queue between reader and sender, bounded by count and by bytes of values."""

from __future__ import annotations

import asyncio
from collections import deque

from cst_relay.domain.records import Entry


class EntryQueue:
    """Entries in order. The reader waits for room, the sender for entries."""

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self._entries: deque[Entry] = deque()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def full(self) -> bool:
        return len(self._entries) >= self._max_entries or self._bytes >= self._max_bytes

    def append(self, entry: Entry) -> None:
        """Add an entry, even beyond the bounds: ask for ``room`` first."""
        self._entries.append(entry)
        if entry.record is not None:
            self._bytes += entry.record.size
        self._changed.set()

    async def room(self) -> None:
        """Wait until the queue is below its bounds."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def first(self) -> Entry | None:
        """Return the oldest entry and leave it there; None when there is none."""
        return self._entries[0] if self._entries else None

    def pop(self) -> Entry:
        """Take the oldest entry out."""
        entry = self._entries.popleft()
        if entry.record is not None:
            self._bytes -= entry.record.size
        if not self.full:
            self._room.set()
        return entry

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        self._changed.set()

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for an entry, ``timeout_s`` seconds at most; False once closed and empty."""
        while not self._entries and not self._closed:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), timeout_s)
            except TimeoutError:
                return True
        return bool(self._entries)
