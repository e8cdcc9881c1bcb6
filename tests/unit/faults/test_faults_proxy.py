"""The proxy passes everything on in order, and breaks what it is told to break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from cst_testkit.faults.proxy import TcpProxy, proxying
from cst_testkit.waiting import wait_until

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that says again what it hears."""

    async def say_again(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(say_again, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def proxy(echo: int) -> AsyncIterator[TcpProxy]:
    async with proxying(echo) as running:
        yield running


async def connect(proxy: TcpProxy) -> Streams:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_much_data_comes_back_whole_and_in_order(proxy: TcpProxy) -> None:
    reader, writer = await connect(proxy)
    sent = b"".join(b"%08d" % number for number in range(500_000))
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent
    assert proxy.forwarded == 2 * len(sent)


async def test_what_is_sent_while_a_delay_ends_does_not_overtake(proxy: TcpProxy) -> None:
    reader, writer = await connect(proxy)
    proxy.delay_s = 0.05
    writer.write(b"first ")
    await wait_until(lambda: proxy.forwarded >= 6, what="the first chunk")
    proxy.delay_s = 0.0
    writer.write(b"second")
    assert await reader.readexactly(12) == b"first second"


async def test_a_cut_ends_every_connection_and_the_next_one_works(proxy: TcpProxy) -> None:
    streams = [await connect(proxy) for _ in range(3)]
    for reader, writer in streams:
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
    assert proxy.cut_all() == 3
    for reader, _ in streams:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    reader, writer = await connect(proxy)
    writer.write(b"again")
    assert await reader.readexactly(5) == b"again"


async def test_while_it_refuses_nobody_gets_through(proxy: TcpProxy) -> None:
    proxy.refusing = True
    reader, _ = await connect(proxy)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    proxy.refusing = False
    reader, writer = await connect(proxy)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"


async def test_with_no_server_behind_it_a_client_is_cut_off() -> None:
    async with proxying(1) as proxy:
        reader, _ = await connect(proxy)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
