"""A city of its own for each test, on the session's stack or on one that may be broken."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from relay_world import World, new_world

from cst_stack import Endpoints
from cst_stack.mongod import find_mongod
from cst_stack.ports import free_port
from cst_stack.replica_set import answers, direct_client, embedded_uri, is_primary, join
from cst_testkit.waiting import poll_until


@pytest.fixture
async def world(stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(stack) as made:
        yield made


@pytest.fixture
async def own_world(own_stack: Endpoints) -> AsyncIterator[World]:
    async with new_world(own_stack) as made:
        yield made


@pytest.fixture
def small_oplog(tmp_path: Path) -> Iterator[str]:
    """A replica set that soon forgets what it did."""
    port = free_port()
    command = [find_mongod(), "--replSet=rs0", f"--port={port}", f"--dbpath={tmp_path}"]
    command += ["--bind_ip=127.0.0.1", "--oplogSize=16", "--nounixsocket", "--syncdelay=1"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log) as mongod:
        try:
            with direct_client(port) as client:
                poll_until(lambda: answers(client), 30, "mongod")
                join(client, f"127.0.0.1:{port}")
                poll_until(lambda: is_primary(client), 30, "a primary")
            yield embedded_uri(port)
        finally:
            mongod.kill()
