"""`cst demo`: starts everything, shows it, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from datetime import datetime
from typing import Any

import pytest

from cst_stack.ports import LOOPBACK, free_port
from cst_testkit.leftovers import processes_of

ENDED = "Everything has ended; the data stays.\n"


def interrupt(process: subprocess.Popen[str], after: str) -> tuple[str, str]:
    """Press Ctrl-C once a line with ``after`` was printed; return all that was."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if after in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    return seen + rest, errors


def until(output: str) -> datetime:
    """Return the simulated time at which a demo has ended."""
    found = re.search(r"^until +(\w+ \d+ \w+ \d+ \d+:\d+)$", output, re.MULTILINE)
    assert found, output
    return datetime.strptime(found[1], "%a %d %b %Y %H:%M")


@pytest.mark.slow
def test_ctrl_c_ends_a_living_city_cleanly_and_the_next_demo_goes_on(cst: Any) -> None:
    demo = cst.start("demo", "--port", "0", "--for", "300", "--rate", "90")
    output, errors = interrupt(demo, "  sent ")
    assert (demo.returncode, errors) == (0, "")
    assert output.endswith(ENDED)
    assert processes_of(cst.home) == []
    assert re.search(r"^  Mon \d\d:\d\d:\d\d +\+\d+\.\d\d s +assigned", output, re.MULTILINE)
    for shown in ("/docs", "/analytics/kpis", "curl -H 'Authorization: Bearer ", "?follow="):
        assert shown in output

    again = cst.run("demo", "--port", "0", "--for", "3")
    assert (again.returncode, again.stderr) == (0, "")
    assert until(again.stdout) > until(output)
    assert processes_of(cst.home) == []


@pytest.mark.parametrize("after", ["MongoDB", pytest.param("System", marks=pytest.mark.slow)])
def test_ctrl_c_while_starting_leaves_nothing_behind(cst: Any, after: str) -> None:
    demo = cst.start("demo", "--port", "0")
    output, errors = interrupt(demo, after)
    assert demo.returncode == 130
    assert "Traceback" not in errors
    assert output.endswith(ENDED)
    assert processes_of(cst.home) == []


def test_a_taken_port_is_one_clear_line(cst: Any) -> None:
    with socket.create_server((LOOPBACK, free_port())) as taken:
        port = taken.getsockname()[1]
        ran = cst.run("demo", "--port", str(port))
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"cst: the API cannot listen on 127.0.0.1:{port}: ")
    assert ran.stderr.count("\n") == 1
    assert processes_of(cst.home) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["simulate", "--speed", "0"], "--speed 0: must be above 0, at most 100000"),
        (["simulate", "--rate", "-1"], "--rate -1: must be above 0, at most 1e+06"),
        (["simulate", "--duration", "0"], "--duration 0: must be above 0, at most 8784"),
        (["demo", "--speed", "1e9"], "--speed 1e+09: must be above 0, at most 100000"),
    ],
)
def test_wrong_options_are_one_clear_line(cst: Any, arguments: list[str], line: str) -> None:
    ran = cst.run(*arguments)
    assert (ran.returncode, ran.stderr) == (1, f"cst: {line}\n")


def test_no_system_is_one_clear_line(cst: Any) -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    ran = cst.run("simulate", "--api", url)
    assert ran.returncode == 1
    assert ran.stderr == f"cst: {url} does not answer: ConnectError\n"
