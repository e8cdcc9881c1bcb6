"""A client's stream as an HTTP answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cst_core.tasks import cancel_all
from cst_geo_analytics.live.client import Client
from cst_geo_analytics.live.hub import Hub

#: When a client that was cut off comes back, in milliseconds: not all at the same moment.
RETRY_MS = (1000, 4000)
HEADERS = {
    "Cache-Control": "no-store",
    # nginx must hand on what it gets as it gets it.
    "X-Accel-Buffering": "no",
}


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


class LiveStream(StreamingResponse):
    """Writes what there is for a client until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, client: Client) -> None:
        super().__init__(_nothing(), headers=HEADERS)
        self._hub = hub
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writing = asyncio.create_task(self._write(send))
        leaving = asyncio.create_task(_gone(receive))
        self._hub.enter(self._client, writing)
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._client)
            await cancel_all((writing, leaving))
        if not writing.cancelled() and (error := writing.exception()) is not None:
            raise error

    async def _write(self, send: Send) -> None:
        async def write(chunk: bytes) -> None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        await write(b"retry: %d\n\n" % random.randint(*RETRY_MS))
        await self._client.run(write)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
