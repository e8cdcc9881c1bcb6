"""The database's disk is full: nothing is half written, and with room again everything goes on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_kit import filing, insist, may_try_again
from pymongo.errors import PyMongoError

from cst_ledger.verify import verify_all
from cst_stack import Home
from cst_stack.mongod import Mongod
from cst_stack.ports import free_port
from cst_stack.replica_set import Client, direct_client, embedded_uri
from cst_testkit.apps import running_api, unique_key

SIZE_MIB = 640
CHUNK = b"\0" * 1024 * 1024


@pytest.fixture
def small_disk(home: Home) -> Iterator[Path]:
    """A disk of 640 MiB for the database of ``home``."""
    if os.geteuid() != 0:
        pytest.skip("a small disk of its own is mounted by root only")
    folder = home.data / "mongo"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    made = subprocess.run(mount, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield folder
    Mongod(home).kill()
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(CHUNK)
        except OSError:
            return ballast


def write_until_it_fails(client: Client) -> str:
    """Write what does not fit any more; return why it failed."""
    for _ in range(SIZE_MIB):
        try:
            client["junk"]["junk"].insert_one({"junk": os.urandom(1024 * 1024)})
        except PyMongoError as error:
            return str(error)
    return ""


async def test_a_full_disk_costs_no_request_and_leaves_none_half_written(
    home: Home, small_disk: Path
) -> None:
    mongod, port = Mongod(home), free_port()
    mongod.start(port)
    async with running_api(embedded_uri(port)) as api:
        before = [(await api.file())["request_id"] for _ in range(5)]
        with direct_client(port) as client:
            client["junk"].create_collection("junk")
            ballast = fill(small_disk)
            assert write_until_it_fails(client), "the disk did not fill up"
        call = filing(api, unique_key())
        assert may_try_again(await call())
        assert may_try_again(await api.step(before[0], "triaged"))
        ballast.unlink()
        mongod.stop()
        mongod.start(port)
        created = await insist(call)
        assert created.status_code == 201
        assert (await api.step(before[0], "triaged")).status_code == 200
        assert (await call()).json()["request_id"] == created.json()["request_id"]
        verdicts = [verdict async for verdict in verify_all(api.core.db)]
        assert {verdict.request_id for verdict in verdicts if verdict.ok} == {
            *before,
            created.json()["request_id"],
        }
        assert len(verdicts) == await api.stored() == 6
