"""A home of its own for each stack that is harmed, with nothing left running in it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from cst_stack import Home, down
from cst_stack.mongod import Mongod
from cst_stack.ports import free_port
from cst_stack.replica_set import embedded_uri
from cst_testkit.apps import Api, running_api
from cst_testkit.faults.proxy import TcpProxy, proxying
from cst_testkit.leftovers import processes_of


def ended(home: Home) -> None:
    """End what runs in ``home``; a test that was cut off may have left stopped processes."""
    for process in processes_of(home):
        process.kill()
    down(home)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "home")
    place.prepare()
    yield place
    ended(place)


@pytest.fixture(scope="module")
def own_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a mongod that only the tests of one file use, and may harm."""
    place, port = Home(tmp_path_factory.mktemp("mongod")), free_port()
    place.prepare()
    Mongod(place).start(port)
    yield port
    ended(place)


@pytest.fixture(scope="module")
async def own_api(own_mongod: int) -> AsyncIterator[Api]:
    """The whole API over it."""
    async with running_api(embedded_uri(own_mongod)) as running:
        yield running


@pytest.fixture
async def link(own_mongod: int) -> AsyncIterator[TcpProxy]:
    """A proxy before it."""
    async with proxying(own_mongod) as proxy:
        yield proxy


@pytest.fixture
async def far_api(link: TcpProxy) -> AsyncIterator[Api]:
    """The API with the proxy between it and its database."""
    uri = f"mongodb://127.0.0.1:{link.port}/?directConnection=true"
    async with running_api(uri) as running:
        await asyncio.gather(*(running.client.get("/readyz") for _ in range(10)))
        yield running
