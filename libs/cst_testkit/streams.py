"""A client of server-sent events on a bare socket: cheap enough to have a thousand of them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from cst_core.tasks import cancel_all
from cst_testkit.waiting import wait_until

#: Of a client's socket, in bytes: one that does not read is noticed soon.
RECEIVE_BUFFER = 16 * 1024
#: Before a follower that was cut off connects again, in seconds.
RECONNECT_S = 0.2


@dataclass(frozen=True, slots=True)
class Block:
    """A server-sent event; one without a name is an id that came with a heartbeat."""

    event: str
    data: Any
    id: str | None


def blocks(text: str) -> list[Block]:
    """Read whole server-sent events."""
    return [found for part in text.split("\n\n") if (found := _block(part)) is not None]


def _block(part: str) -> Block | None:
    lines = [line.partition(": ") for line in part.split("\n") if line and line[0] != ":"]
    fields = {name: value for name, _, value in lines if name != "retry"}
    if not fields:
        return None
    data = json.loads(fields["data"]) if "data" in fields else None
    return Block(fields.get("event", ""), data, fields.get("id"))


@dataclass
class EventStream:
    """An answer that goes on.

    Attributes:
        status: of the answer.
        headers: of the answer, with small names.
        blocks: what has come, unless ``on_block`` takes it.
        comments: how many heartbeats have come.
        body: of an answer that was no stream.
        over: set when the other side has ended it.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    comments: int = 0
    body: bytes = b""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    on_block: Callable[[Block], None] | None = None
    _rest: bytes = b""

    @property
    def ended(self) -> bool:
        """The other side has ended it."""
        return self.over.is_set()

    @property
    def last_id(self) -> str:
        """The id to resume from."""
        return next(block.id for block in reversed(self.blocks) if block.id is not None)

    @property
    def events(self) -> list[tuple[str, int]]:
        """(Request id, seq) of the events in frames, in their order."""
        return self._in_frames("events")

    @property
    def removals(self) -> list[tuple[str, int]]:
        """(Request id, seq) of the removals in frames, in their order."""
        return self._in_frames("removed")

    def _in_frames(self, kind: str) -> list[tuple[str, int]]:
        frames = [block.data for block in self.blocks if block.event == "frame"]
        return [(row["request_id"], row["seq"]) for frame in frames for row in frame[kind]]

    def of(self, event: str) -> list[Any]:
        """Return the data of all events of a name."""
        return [block.data for block in self.blocks if block.event == event]

    async def begun(self) -> None:
        """Wait until it says where it begins."""
        await wait_until(lambda: self.of("ready") or self.of("reset"), 30, "the stream's begin")

    def feed(self, data: bytes) -> None:
        """Take in what has come of the body."""
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for part in whole:
            self.comments += part.startswith(b":")
            if (found := _block(part.decode())) is not None:
                (self.on_block or self.blocks.append)(found)


async def connect(
    url: str, path: str, query: Mapping[str, Any] | None = None, **headers: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a GET; underscores in the names of ``headers`` stand for hyphens."""
    where = urlsplit(url)
    assert where.hostname is not None
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (where.hostname, where.port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=RECEIVE_BUFFER)
    target = f"{path}?{urlencode(query, doseq=True)}" if query else path
    lines = [f"GET {target} HTTP/1.1", f"Host: {where.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    return reader, writer


@asynccontextmanager
async def listening(
    url: str,
    path: str,
    query: Mapping[str, Any] | None = None,
    on_block: Callable[[Block], None] | None = None,
    **headers: str,
) -> AsyncIterator[EventStream]:
    """Listen to a stream during the block; what comes is in what it yields.

    With ``on_block`` it is not kept, but given there.
    """
    reader, writer = await connect(url, path, query, **headers)
    stream = EventStream(on_block=on_block)
    try:
        await _head(reader, stream)
        reading = asyncio.create_task(_read(reader, stream))
        try:
            yield stream
        finally:
            await cancel_all([reading])
    finally:
        writer.close()


async def _head(reader: asyncio.StreamReader, stream: EventStream) -> None:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    stream.status = int(first.split(" ")[1])
    pairs = [line.partition(": ") for line in lines]
    stream.headers = {name.lower(): value for name, _, value in pairs}


async def _read(reader: asyncio.StreamReader, stream: EventStream) -> None:
    """Read the body, in chunks or of a length, until it ends."""
    try:
        if (length := stream.headers.get("content-length")) is not None:
            stream.body = await reader.readexactly(int(length))
            return
        while size := int(await reader.readline() or b"0", 16):
            stream.feed((await reader.readexactly(size + 2))[:-2])
    except (asyncio.IncompleteReadError, OSError):
        return
    finally:
        stream.over.set()


class Follower:
    """A client that comes back whenever it is cut off, and goes on where it was.

    Attributes:
        told: how often each (request id, seq) was told.
        resets: the reasons for which it had to start over.
        connections: how often it has connected.
        begun: it has been told where it begins.
    """

    def __init__(
        self,
        url: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        on_event: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self._where = (url, path, query)
        self._on_event = on_event
        self._last_id: str | None = None
        self._stream: EventStream | None = None
        self.told: Counter[tuple[str, int]] = Counter()
        self.resets: list[str] = []
        self.connections = 0
        self.begun = False

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            url, path, query = self._where
            resume = {} if self._last_id is None else {"Last_Event_ID": self._last_id}
            with suppress(OSError, asyncio.IncompleteReadError):
                async with listening(url, path, query, self._take, **resume) as self._stream:
                    self.connections += 1
                    await self._stream.over.wait()
            await asyncio.sleep(RECONNECT_S)

    def cut(self) -> None:
        """Be cut off now."""
        if self._stream is not None:
            self._stream.over.set()

    def _take(self, block: Block) -> None:
        self._last_id = block.id or self._last_id
        self.begun = self.begun or block.event == "ready"
        if block.event == "reset":
            self.resets.append(block.data["reason"])
        for event in block.data["events"] if block.event == "frame" else ():
            self.told[(event["request_id"], event["seq"])] += 1
            self._on_event(event)
