"""Starting and stopping: twice is harmless, and what is stopped leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal

import psutil
import pytest

from cst_relay.feeds import all_feeds
from cst_stack import Home, status
from cst_stack.ports import free_port
from cst_testkit.leftovers import processes_of
from cst_testkit.systems import (
    assigned_story,
    client_of,
    cst,
    file_request,
    gone,
    running_app,
)
from cst_testkit.waiting import wait_until


async def test_sigterm_ends_the_app_and_its_children_and_the_stack_stays(home: Home) -> None:
    async with running_app(home) as system:
        await system.assigned(await system.file())
        children = system.children
        assert children
        system.process.send_signal(signal.SIGTERM)
        await gone(children)
        await system.process.wait()
    assert status(home).endpoints is not None
    code, out = await cst(home, "down")
    assert code == 0, out
    assert "mongod" in out
    assert "tansu" in out


async def test_a_killed_app_takes_its_children_along(home: Home) -> None:
    async with running_app(home) as system:
        children = system.children
        assert children
        system.process.kill()
        await gone(children)


async def test_without_workers_the_api_runs_alone(home: Home) -> None:
    async with running_app(home, CST_WORKERS="0") as system:
        assert system.children == []
        request_id = await system.file()
        assert [event["type"] for event in await system.story(request_id)] == ["created"]


@pytest.mark.slow
async def test_up_and_down_twice_are_harmless(home: Home) -> None:
    port = str(free_port())
    code, first = await cst(home, "up", "--port", port)
    assert code == 0, first
    pids = {process.pid for process in processes_of(home)}
    code, second = await cst(home, "up", "--port", port)
    assert code == 0, second
    assert second.splitlines()[-3:] == first.splitlines()[-3:]
    assert pids <= {process.pid for process in processes_of(home)}
    async with client_of(f"http://127.0.0.1:{port}") as client:
        events = await assigned_story(client, await file_request(client), 60)
        assert [event["type"] for event in events][-1] == "assigned"
    await _the_status_tells(home, port)
    for expected in ("stopped: system", "stopped: nothing was running"):
        code, out = await cst(home, "down")
        assert code == 0
        assert expected in out
    assert not [pid for pid in pids if psutil.pid_exists(pid) and pid != os.getpid()]
    code, _ = await cst(home, "status")
    assert code == 1


async def _the_status_tells(home: Home, port: str) -> None:
    """For programs: every part and process, the relay, no dead letters, and where all is."""

    async def well() -> str | None:
        code, out = await cst(home, "status", "--json")
        return out if code == 0 else None

    out = await wait_until(well, 60, "every process to have told that it is well") or ""
    report = json.loads(out[out.index("{") :])
    assert [part["running"] for part in report["parts"]] == [True, True]
    assert {process["name"] for process in report["processes"]} == {
        "api",
        "relay",
        "intake-worker",
        "workflow-worker",
        "dispatch-worker",
        "sla-worker",
        "geo-worker",
    }
    assert report["api_url"] == f"http://127.0.0.1:{port}"
    assert report["mongo_uri"].startswith("mongodb://127.0.0.1:")
    assert report["kafka_bootstrap_servers"]
    assert {row["feed"] for row in report["relay"]} == {feed.name for feed in all_feeds("any")}
    assert set(report["dead_letters"].values()) <= {0}
