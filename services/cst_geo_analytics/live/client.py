"""A client of the live map: a filter, and a cursor in the ring."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cst_contracts.live_views import LiveReady, LiveReset, LiveStatus
from cst_geo_analytics.domain.live import Offsets, Position, Wanted, furthest, reached
from cst_geo_analytics.live import metrics
from cst_geo_analytics.live.frames import block, frame_block, heartbeat
from cst_geo_analytics.live.log import OTHER_LOG, TOO_SLOW, Log, Refusal
from cst_geo_analytics.live.ring import SHARED_FRAMES, Frame

if TYPE_CHECKING:
    from cst_geo_analytics.live.hub import Hub

#: So much is written at a time, in bytes, when a client has to catch up.
CHUNK = 64 * 1024


class Client:
    """Reads from the hub what there is for it.

    Args:
        hub: where events come from.
        wanted: the filter.
        resume: the Last-Event-ID as it was given; None for whoever begins.
        ends_at: when the caller's token expires (seconds since 1970); None for never.
    """

    def __init__(self, hub: Hub, wanted: Wanted, resume: str | None, ends_at: float | None) -> None:
        self._hub = hub
        self._wanted = wanted
        self._resume = resume
        self._ends_at = ends_at
        self._log: Log | None = None
        self._number = 0
        #: Where the client is, and how far ahead of this process it was when it came.
        self._offsets: Offsets = ()
        self._floor: Offsets | None = None
        self._status = "up"
        self._beats = hub.beats
        self.sending_since: float | None = None

    async def run(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Write until the process ends, or the caller's token has expired."""
        while not self._hub.closing and not self._expired():
            chunk = self.next()
            if not chunk:
                await self._hub.news()
                continue
            self.sending_since = time.monotonic()
            await write(chunk)
            self.sending_since = None
            # Whoever has much to catch up must not keep the others waiting.
            await asyncio.sleep(0)

    def _expired(self) -> bool:
        return self._ends_at is not None and time.time() >= self._ends_at

    def next(self) -> bytes:
        """Return what there is to write, the client's cursor moving past it; maybe nothing."""
        parts = [self._news_of_broker()]
        if self._hub.log is not self._log and self._hub.log is not None:
            parts.append(self._enter(self._hub.log))
        if self._log is not None:
            parts += self._frames(self._log)
        if self._beats != self._hub.beats:
            self._beats = self._hub.beats
            parts.append(heartbeat(self._position()))
        return b"".join(parts)

    def _news_of_broker(self) -> bytes:
        if self._status == self._hub.broker:
            return b""
        self._status = self._hub.broker
        return block("status", LiveStatus.model_validate({"broker": self._status}))

    def _enter(self, log: Log) -> bytes:
        """Begin in a log: where the client asked to, or at its end."""
        began, self._log = self._log is not None, log
        resume, self._resume = self._resume, None
        if began:
            return self._reset(log, OTHER_LOG)
        if resume is None:
            return self._ready(log, log.ring.position, resumed=False)
        asked = log.resumable(resume)
        if isinstance(asked, Refusal):
            return self._reset(log, asked)
        return self._ready(log, asked.offsets, resumed=True)

    def _ready(self, log: Log, offsets: Offsets, *, resumed: bool) -> bytes:
        self._offsets = offsets
        self._number = log.ring.number_after(offsets)
        self._floor = offsets if resumed else None
        position = log.at(offsets)
        return block("ready", LiveReady(position=str(position), resumed=resumed), position)

    def _reset(self, log: Log, why: Refusal) -> bytes:
        metrics.RESETS.labels(why.reason).inc()
        self._offsets, self._floor = log.ring.position, None
        self._number = log.ring.next_number
        position = log.at(self._offsets)
        told = LiveReset.model_validate({**why._asdict(), "position": str(position)})
        return block("reset", told, position)

    def _frames(self, log: Log) -> list[bytes]:
        """The frames from the cursor on, up to some ``CHUNK``."""
        parts: list[bytes] = []
        size = 0
        if self._number < log.ring.first_number:
            parts.append(self._reset(log, TOO_SLOW))
        while size < CHUNK and (frame := log.ring.frame(self._number)) is not None:
            self._number += 1
            part = self._frame(log, frame)
            size += len(part)
            parts.append(part)
        if self._number == log.ring.next_number:
            self._move_to(log.ring.position)
        return parts

    def _frame(self, log: Log, frame: Frame) -> bytes:
        if self._floor is not None:
            return self._frame_beyond(self._floor, log, frame)
        self._move_to(frame.end)
        text = frame.encoded.get(self._wanted)
        if text is None:
            text = frame_block(frame.told, self._wanted, log.at(frame.end))
            if frame.number >= log.ring.next_number - SHARED_FRAMES:
                frame.encoded[self._wanted] = text
        return text

    def _frame_beyond(self, floor: Offsets, log: Log, frame: Frame) -> bytes:
        """A frame without what the client had before it came here."""
        self._move_to(frame.end)
        told = [each for each in frame.told if each.offset >= floor[each.partition]]
        return frame_block(told, self._wanted, log.at(self._offsets))

    def _move_to(self, offsets: Offsets) -> None:
        if self._floor is None:
            self._offsets = offsets
            return
        self._offsets = furthest(self._floor, offsets)
        if reached(self._floor, offsets):
            self._floor = None

    def _position(self) -> Position | None:
        return None if self._log is None else self._log.at(self._offsets)
