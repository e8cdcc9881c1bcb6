"""The embedded stack with a real mongod and a real broker: up, down, and everything between."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from cst_stack import Endpoints, Home, StackError, down, restart_broker, status, up
from cst_stack.kafka_probe import broker_info
from cst_stack.ports import free_port
from cst_testkit.leftovers import processes_of
from cst_testkit.waiting import poll_until


def start(home: Home) -> Endpoints:
    return up(home, mongo_port=0, kafka_port=0)


def pids(home: Home) -> dict[str, int | None]:
    return {part.name: part.pid for part in status(home).parts}


def kill(pid: int | None) -> None:
    assert pid is not None
    psutil.Process(pid).send_signal(signal.SIGKILL)


def broker_port(endpoints: Endpoints) -> int:
    return int(endpoints.kafka_bootstrap_servers.rpartition(":")[2])


def test_up_gives_transactions_and_change_streams(home: Home) -> None:
    endpoints = start(home)
    with MongoClient(endpoints.mongo_uri) as client:
        notes = client[endpoints.mongo_db].notes
        with notes.watch() as stream, client.start_session() as session:
            session.with_transaction(
                lambda s: notes.insert_one({"_id": 1}, session=s),
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
            )
            assert next(stream)["documentKey"] == {"_id": 1}


def test_up_twice_is_harmless(home: Home) -> None:
    endpoints = start(home)
    before = pids(home)
    assert start(home) == endpoints
    assert pids(home) == before
    with pytest.raises(StackError, match=r"mongod already runs on port \d+, not 1"):
        up(home, mongo_port=1)
    with pytest.raises(StackError, match=r"runs tansu; stop it with `cst down`"):
        up(home, broker="kafka")


def test_ports_come_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    mongo_port, kafka_port = free_port(), free_port()
    monkeypatch.setenv("CST_MONGO_PORT", str(mongo_port))
    monkeypatch.setenv("CST_KAFKA_PORT", str(kafka_port))
    endpoints = up(home)
    assert f":{mongo_port}/" in endpoints.mongo_uri
    assert broker_port(endpoints) == kafka_port


def test_up_by_two_processes_at_once_starts_one_stack(home: Home) -> None:
    code = (
        "import dataclasses, json, sys; from pathlib import Path;"
        "from cst_stack import Home, up;"
        "e = up(Home(Path(sys.argv[1])), mongo_port=0, kafka_port=0);"
        "print(json.dumps(dataclasses.asdict(e)))"
    )
    command = [sys.executable, "-c", code, str(home.root)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert answers[0] == answers[1]
    assert sorted(p.name() for p in processes_of(home)) == ["mongod", "tansu"]
    assert status(home).endpoints == Endpoints(**answers[0])


def test_down_leaves_neither_process_nor_pid_file(home: Home) -> None:
    endpoints = start(home)
    assert sorted(down(home)) == ["mongod", "tansu"]
    assert processes_of(home) == []
    assert list(home.pids.iterdir()) == []
    assert status(home).endpoints is None
    assert down(home) == []
    assert start(home) == endpoints, "the picked ports are remembered"


def test_status_tells_pid_port_start_and_server(home: Home) -> None:
    assert [part.detail for part in status(home).parts] == ["not running", "not running"]
    start(home)
    mongod, tansu = status(home).parts
    assert mongod.running
    assert tansu.running
    assert "replica set rs0, primary" in mongod.detail
    assert tansu.detail.startswith("Tansu, in memory, cluster ")
    for part in (mongod, tansu):
        assert part.pid in [process.pid for process in processes_of(home)]
        assert part.since is not None
        assert timedelta(0) <= datetime.now(UTC) - part.since < timedelta(minutes=1)


def test_a_killed_mongod_comes_back_with_its_data(home: Home) -> None:
    endpoints = start(home)
    with MongoClient(endpoints.mongo_uri, journal=True) as client:
        client.cst.notes.insert_one({"_id": "kept"})
    kill(pids(home)["mongod"])
    assert start(home) == endpoints
    with MongoClient(endpoints.mongo_uri) as client:
        assert client.cst.notes.find_one() == {"_id": "kept"}


def test_status_after_a_crash_has_no_endpoints(home: Home) -> None:
    start(home)
    kill(pids(home)["tansu"])
    poll_until(lambda: not status(home).parts[1].running, what="the broker to be gone")
    assert status(home).endpoints is None
    assert status(home).parts[0].running


def test_the_data_moves_to_another_port(home: Home) -> None:
    endpoints = start(home)
    with MongoClient(endpoints.mongo_uri) as client:
        client.cst.notes.insert_one({"_id": "kept"})
    down(home)
    port = free_port()
    moved = up(home, mongo_port=port, kafka_port=0)
    assert f":{port}/" in moved.mongo_uri
    with MongoClient(moved.mongo_uri) as client:
        assert client.cst.notes.find_one() == {"_id": "kept"}
        client.cst.notes.insert_one({"_id": "new"})


def test_a_stale_pid_file_is_cleaned_up(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    home.prepare()
    record = {"pid": 2**22 - 1, "create_time": 1.0, "port": 1, "command": ["mongod"]}
    (home.pids / "mongod.json").write_text(json.dumps(record))
    start(home)
    assert "removed the stale pid file" in caplog.text


def test_a_restarted_tansu_is_an_empty_new_cluster(home: Home) -> None:
    endpoints = start(home)
    port = broker_port(endpoints)
    first = broker_info(port)
    asyncio.run(_produce(endpoints.kafka_bootstrap_servers))
    assert restart_broker(home) == endpoints
    second = broker_info(port)
    assert first is not None
    assert second is not None
    assert first.cluster_id != second.cluster_id
    assert asyncio.run(_topics(endpoints.kafka_bootstrap_servers)) == []


def test_tansu_delivers_key_value_and_headers(home: Home) -> None:
    servers = start(home).kafka_bootstrap_servers
    asyncio.run(_produce(servers))
    assert asyncio.run(_topics(servers)) == ["events"]
    assert asyncio.run(_consume(servers)) == (b"k", b"v", (("ce_id", b"1"),))


def test_restarting_the_broker_needs_a_stack(home: Home) -> None:
    with pytest.raises(StackError, match="no stack is up"):
        restart_broker(home)


async def _produce(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic("events", 3, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        await producer.send_and_wait("events", b"v", key=b"k", headers=[("ce_id", b"1")])


async def _topics(servers: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return await admin.list_topics()
    finally:
        await admin.close()


async def _consume(servers: str) -> tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]:
    consumer = AIOKafkaConsumer(
        "events", bootstrap_servers=servers, group_id="g", auto_offset_reset="earliest"
    )
    async with consumer, asyncio.timeout(30):
        record = await consumer.getone()
    return record.key, record.value, tuple(record.headers)
