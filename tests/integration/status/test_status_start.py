"""What starts while the broker is away, or where nothing runs at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from status_kit import SHOWN_S

from cst_mongo.client import Database
from cst_stack import Home, down
from cst_stack.ports import free_port
from cst_stack.tansu import Tansu
from cst_testkit.commands import run_cst
from cst_testkit.systems import running_app, system_environ
from cst_testkit.waiting import wait_until


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    place = Home(tmp_path / "home")
    place.prepare()
    yield place
    down(place)  # what a command started before it was refused, too


async def test_everything_starts_without_a_broker_and_begins_when_it_comes(
    home: Home, mongo_uri: str, db: Database
) -> None:
    kafka_port, ops_port = free_port(), free_port()
    tansu = Tansu(home)
    given = {
        "MONGO_URI": mongo_uri,
        "MONGO_DB": db.name,
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{kafka_port}",
        "CST_KAFKA_IDEMPOTENT": "0",
        "CST_OPS_PORT": str(ops_port),
    }
    worker = httpx.AsyncClient(base_url=f"http://127.0.0.1:{ops_port}", timeout=5)
    try:
        async with worker, running_app(home, **given) as system:
            request_id = await system.file()

            async def told() -> bool:
                body = (await system.client.get("/readyz")).json()
                return "broker" in {problem["part"] for problem in body["problems"]}

            await wait_until(told, SHOWN_S, "/readyz to miss the broker")
            answer = await worker.get("/readyz")
            assert answer.status_code == 503
            assert [found["part"] for found in answer.json()["problems"]] == ["broker"]
            assert (await worker.get("/healthz")).status_code == 200
            children = [child.pid for child in system.children]
            tansu.start(kafka_port)
            await system.assigned(request_id)
            assert [child.pid for child in system.children] == children

            async def ready() -> bool:
                return (await worker.get("/readyz")).status_code == 200

            await wait_until(ready, SHOWN_S, "the worker to be ready")
            assert "cst_events_handled_total" in (await worker.get("/metrics")).text
    finally:
        tansu.stop()
    log = (home.root / "app.log").read_text()
    assert "Traceback" not in log
    assert log.count("the broker does not answer; waiting for it") == 1
    assert log.count("the broker answers again") == 1


async def test_where_nothing_runs_the_status_says_so(home: Home) -> None:
    code, out, complaints = await run_cst(system_environ(home), home.root, "status", "--json")
    assert code == 1
    assert complaints == ""
    told = json.loads(out)
    assert {(found["part"], found["problem"]) for found in told["problems"]} == {
        ("mongod", "not running"),
        ("tansu", "not running"),
        ("database", "unknown"),
        ("broker", "unknown"),
    }
    assert told["processes"] == told["heartbeats"] == told["relay"] == []


async def test_where_addresses_lead_nowhere_the_status_says_so(home: Home) -> None:
    port = free_port()
    environ = system_environ(
        home,
        MONGO_URI=f"mongodb://127.0.0.1:{port}/?replicaSet=rs0",
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{port}",
    )
    code, out, complaints = await run_cst(environ, home.root, "status")
    assert code == 1
    assert complaints == ""
    assert "database unreachable" in out
    assert "broker unreachable" in out
    assert out.count("down  external: does not answer") == 2


async def test_a_port_for_one_process_is_refused_for_a_system_of_several(home: Home) -> None:
    environ = system_environ(home, CST_OPS_PORT=str(free_port()))
    code, _, complaints = await run_cst(environ, home.root, "run", "system")
    assert code == 1
    assert "CST_OPS_PORT is of one process" in complaints
