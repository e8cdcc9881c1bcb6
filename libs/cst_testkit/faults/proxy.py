"""A TCP proxy between a process and a server, whose connections can be cut, delayed or refused."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from cst_stack.ports import LOOPBACK


class TcpProxy:
    """Forwards a loopback port to another one; ``proxying`` opens and closes it.

    Attributes:
        port: where clients connect.
        target: the server's port.
        delay_s: how long each chunk is held, in each direction.
        refusing: new connections are closed at once.
        forwarded: bytes that have gone through.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.target = target
        self.delay_s = 0.0
        self.refusing = False
        self.forwarded = 0
        self._ends: set[_End] = set()

    def cut_all(self) -> int:
        """Break every connection without a goodbye; return how many there were."""
        ends = list(self._ends)
        for end in ends:
            end.abort()
        return len(ends) // 2

    def opened(self, end: _End) -> None:
        """Note one end of a connection."""
        self._ends.add(end)

    def closed(self, end: _End) -> None:
        """Forget it."""
        self._ends.discard(end)


class _End(asyncio.Protocol):
    """One of a connection's two ends: what it receives, the other one sends."""

    def __init__(self, proxy: TcpProxy, other: _End | None = None) -> None:
        self._proxy = proxy
        self._other = other
        self._transport: asyncio.Transport | None = None
        self._held: deque[tuple[float, bytes]] = deque()
        self._connecting: asyncio.Task[None] | None = None
        #: What came before there was another end: older Pythons read on though told to pause.
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._proxy.opened(self)
        if self._other is not None:
            return
        if self._proxy.refusing:
            self._transport.abort()
            return
        self._transport.pause_reading()
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        end = _End(self._proxy, self)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: end, LOOPBACK, self._proxy.target
            )
        except OSError:
            self.abort()
            return
        self._other = end
        if self._transport is None:  # the client has gone meanwhile
            end.abort()
            return
        for data in self._early:
            end.send(data)
        self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._proxy.forwarded += len(data)
        if self._other is not None:
            self._other.send(data)
        else:
            self._early.append(data)

    def send(self, data: bytes) -> None:
        """Write ``data`` after the proxy's delay, never before what came earlier."""
        if not self._held and not self._proxy.delay_s:
            self._write(data)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self._proxy.delay_s
        if self._held:
            due = max(due, self._held[-1][0])
        self._held.append((due, data))
        if len(self._held) == 1:
            loop.call_at(due, self._release)

    def _release(self) -> None:
        loop = asyncio.get_running_loop()
        while self._held and self._held[0][0] <= loop.time():
            self._write(self._held.popleft()[1])
        if self._held:
            loop.call_at(self._held[0][0], self._release)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def pause_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other._transport is not None:
            self._other._transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._proxy.closed(self)
        self._transport = None
        if self._connecting is not None:
            self._connecting.cancel()
        if self._other is not None and self._other._transport is not None:
            self._other._transport.close()


@asynccontextmanager
async def proxying(target: int, port: int = 0) -> AsyncIterator[TcpProxy]:
    """Run a proxy before the loopback port ``target``, on ``port`` or any free one."""
    proxy = TcpProxy(target)
    server = await asyncio.get_running_loop().create_server(lambda: _End(proxy), LOOPBACK, port)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut_all()
