"""What is said when the stack cannot come up, and that nothing half-started stays."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from pymongo import MongoClient

from cst_stack import Home, PortTakenError, StackError, check_external, down, status, up
from cst_stack.mongod import find_mongod
from cst_stack.ports import free_port
from cst_stack.processes import ManagedProcess
from cst_stack.replica_set import answers, direct_client
from cst_testkit.leftovers import processes_of
from cst_testkit.stacks import running_stack


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_its_holder(home: Home, taken_port: int) -> None:
    with pytest.raises(PortTakenError) as caught:
        up(home, mongo_port=taken_port)
    assert f":{taken_port}: the port is taken by " in str(caught.value)
    assert f"(pid {os.getpid()})" in str(caught.value)


def test_a_failing_broker_takes_its_mongod_down_again(home: Home, taken_port: int) -> None:
    with pytest.raises(PortTakenError, match="tansu cannot listen"):
        up(home, mongo_port=0, kafka_port=taken_port)
    assert processes_of(home) == []
    assert status(home).endpoints is None


def test_a_failing_broker_leaves_a_mongod_that_ran_before(home: Home, taken_port: int) -> None:
    endpoints = up(home, mongo_port=0, kafka_port=0)
    ManagedProcess(home, "tansu").stop(5)
    with pytest.raises(PortTakenError):
        up(home, kafka_port=taken_port)
    assert [process.name() for process in processes_of(home)] == ["mongod"]
    assert up(home, kafka_port=0).mongo_uri == endpoints.mongo_uri


def test_a_missing_binary_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANSU_BIN", "/no/such/tansu")
    with pytest.raises(StackError, match="TANSU_BIN names /no/such/tansu"):
        up(home, mongo_port=0, kafka_port=0)
    assert processes_of(home) == []


def test_a_mongod_that_dies_leaves_its_last_words(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrapper = tmp_path / "mongod"
    wrapper.write_text("#!/bin/sh\necho 'Error parsing command line: bad option' >&2; exit 2\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("MONGOD_BIN", str(wrapper))
    with pytest.raises(StackError, match=r"mongod ended while starting: Error parsing") as caught:
        up(home, mongo_port=0)
    assert str(home.logs / "mongod.log") in str(caught.value)


def test_a_broker_that_hangs_is_named_and_can_be_stopped(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(home, mongo_port=0, kafka_port=0)
    tansu = ManagedProcess(home, "tansu").running()
    assert tansu is not None
    psutil.Process(tansu.pid).suspend()
    assert status(home).parts[1].detail == f"does not answer on 127.0.0.1:{tansu.port}"
    monkeypatch.setattr("cst_stack.part.ANSWER_SECONDS", 0.5)
    with pytest.raises(StackError, match=rf"tansu \(pid {tansu.pid}\) runs but does not answer"):
        up(home)
    monkeypatch.setattr("cst_stack.tansu.Tansu.stop_seconds", 0.5)
    assert down(home) == ["tansu", "mongod"]
    assert processes_of(home) == []


def test_a_second_mongod_on_the_same_data_says_so(home: Home) -> None:
    up(home, mongo_port=0, kafka_port=0)
    pid_file = home.pids / "mongod.json"
    kept = pid_file.read_text()
    pid_file.unlink()
    with pytest.raises(StackError, match=r"mongod ended while starting: .*mongod instance"):
        up(home, mongo_port=free_port())
    pid_file.write_text(kept)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        with pytest.raises(StackError, match=r"mongod needs 512 MiB, 6\d MiB are free"):
            up(Home(disk / "home"), mongo_port=0)
        assert processes_of(Home(disk / "home")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_external_replica_set_is_accepted_and_its_name_checked(home: Home) -> None:
    with running_stack("embedded", home) as endpoints:
        check_external(endpoints.mongo_uri)
        check_external(endpoints.mongo_uri.partition("?")[0])
        other = endpoints.mongo_uri.replace("rs0", "production")
        with pytest.raises(StackError, match=r"replica set 'rs0', but MONGO_URI says 'production'"):
            check_external(other)


def test_external_parts_are_used_and_not_started(home: Home, tmp_path: Path) -> None:
    with running_stack("embedded", home) as endpoints:
        given = Home(tmp_path / "given")
        used = up(
            given,
            mongo_uri=endpoints.mongo_uri,
            kafka_bootstrap_servers=endpoints.kafka_bootstrap_servers,
        )
        assert (used.mongo_uri, used.broker) == (endpoints.mongo_uri, "external")
        assert processes_of(given) == []
        assert [part.detail for part in status(given).parts] == ["external: answers"] * 2
    assert not any(part.running for part in status(given).parts)


@pytest.mark.parametrize(
    ("options", "message"),
    [([], "is a standalone server"), (["--replSet=rs9"], "is not initiated yet")],
)
def test_an_external_server_without_a_set(home: Home, options: list[str], message: str) -> None:
    home.prepare()
    port = free_port()
    server = ManagedProcess(home, "alone")
    command = [find_mongod(), f"--dbpath={home.data}", f"--port={port}", "--nounixsocket"]
    try:
        record = server.spawn([*command, *options], port)
        with direct_client(port) as client:
            server.wait_ready(record, lambda: answers(client), 30)
        with pytest.raises(StackError, match=message):
            check_external(f"mongodb://127.0.0.1:{port}/")
    finally:
        server.stop(10)


def test_an_external_server_that_refuses_the_password(home: Home) -> None:
    endpoints = up(home, mongo_port=0, kafka_port=0)
    with MongoClient(endpoints.mongo_uri) as client:
        client.admin.command("createUser", "clerk", pwd="right", roles=[])
    uri = endpoints.mongo_uri.replace("mongodb://", "mongodb://clerk:wrong@")
    with pytest.raises(StackError, match="refuses the user or password") as caught:
        check_external(uri)
    assert "wrong" not in str(caught.value)
