"""The live map of `uvicorn app.main:app`: by the real relay, and at the process's end."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from live_api import LIVE

from cst_stack import Home, down
from cst_testkit.streams import listening
from cst_testkit.systems import running_app
from cst_testkit.waiting import wait_until


async def test_a_report_is_told_and_the_end_of_the_app_ends_the_stream(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    try:
        async with running_app(home) as system:
            url = str(system.client.base_url)
            async with listening(url, LIVE) as stream:
                await stream.begun()
                request_id = await system.file()
                await wait_until(lambda: (request_id, 0) in stream.events, 60, request_id)
                await wait_until(lambda: len(stream.events) > 1, 60, "what workers do with it")
                seqs = [seq for told, seq in stream.events if told == request_id]
                assert seqs == sorted(set(seqs))
                system.process.send_signal(signal.SIGINT)
                await wait_until(lambda: stream.ended, 30, "the end of the stream")
                await asyncio.wait_for(system.process.wait(), 60)
    finally:
        await asyncio.to_thread(down, home)
