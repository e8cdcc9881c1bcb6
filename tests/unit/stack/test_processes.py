"""Pid files, stopping and dying children: what a later command must be able to rely on."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cst_stack import Home, StackError
from cst_stack.processes import ManagedProcess
from cst_testkit.waiting import poll_until

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)",
]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ManagedProcess]:
    home = Home(tmp_path / "home")
    home.prepare()
    managed = ManagedProcess(home, "sleeper")
    yield managed
    managed.stop(0.1)


def start(process: ManagedProcess, command: list[str]) -> int:
    record = process.spawn(command, port=1)
    process.wait_ready(record, lambda: b"up" in process.log_file.read_bytes(), 10)
    return record.pid


def test_a_second_object_finds_the_process_and_stops_it(process: ManagedProcess) -> None:
    pid = start(process, SLEEPER)
    later = ManagedProcess(process.home, "sleeper")
    found = later.running()
    assert found is not None
    assert (found.pid, found.port) == (pid, 1)
    assert later.stop(5) is True
    assert not psutil.pid_exists(pid)
    assert not process.pid_file.exists()
    assert later.stop(5) is False


def test_the_child_has_a_session_of_its_own(process: ManagedProcess) -> None:
    pid = start(process, SLEEPER)
    assert os.getsid(pid) == pid


def test_a_child_deaf_to_sigterm_is_killed(process: ManagedProcess) -> None:
    pid = start(process, DEAF)
    assert process.stop(0.2) is True
    assert not psutil.pid_exists(pid)


def test_a_process_started_by_another_process_is_stopped_too(process: ManagedProcess) -> None:
    code = (
        "import sys; from pathlib import Path; from cst_stack import Home;"
        "from cst_stack.processes import ManagedProcess;"
        "p = ManagedProcess(Home(Path(sys.argv[1])), 'sleeper');"
        "print(p.spawn([sys.executable, '-c', 'import time; time.sleep(600)'], 1).pid)"
    )
    command = [sys.executable, "-c", code, str(process.home.root)]
    pid = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert process.running() is not None
    assert process.stop(5) is True
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_killed_child_is_not_running_and_its_pid_file_is_stale(process: ManagedProcess) -> None:
    pid = start(process, SLEEPER)
    psutil.Process(pid).send_signal(signal.SIGKILL)
    poll_until(lambda: process.running() is None, what="the child to be gone")
    assert process.pid_file.exists()
    process.discard_stale_pid_file()
    assert not process.pid_file.exists()


def test_a_reused_pid_is_neither_found_nor_stopped(process: ManagedProcess) -> None:
    pid = start(process, SLEEPER)
    record = json.loads(process.pid_file.read_text())
    forged = record | {"create_time": record["create_time"] - 3600, "command": ["another"]}
    process.pid_file.write_text(json.dumps(forged))
    assert process.running() is None
    assert process.stop(1) is False
    assert psutil.pid_exists(pid)
    process.pid_file.write_text(json.dumps(record))


def test_a_clock_that_jumped_does_not_hide_the_process(process: ManagedProcess) -> None:
    start(process, SLEEPER)
    record = json.loads(process.pid_file.read_text())
    process.pid_file.write_text(json.dumps(record | {"create_time": record["create_time"] - 3600}))
    assert process.running() is not None


@pytest.mark.parametrize("content", ["", "12", "{}", '{"pid": 1}', "\x00"])
def test_an_unreadable_pid_file_counts_as_none(process: ManagedProcess, content: str) -> None:
    process.pid_file.write_text(content)
    assert process.running() is None
    process.discard_stale_pid_file()
    assert not process.pid_file.exists()


def test_a_child_that_dies_while_starting_says_why(process: ManagedProcess) -> None:
    code = "import sys; print('hello'); sys.exit('ERROR: no such colour')"
    record = process.spawn([sys.executable, "-c", code], port=1)
    with pytest.raises(StackError, match="ended while starting: ERROR: no such colour") as caught:
        process.wait_ready(record, lambda: False, 10)
    assert str(process.log_file) in str(caught.value)
    assert not process.pid_file.exists()


def test_a_child_that_is_never_ready_is_reported_in_time(process: ManagedProcess) -> None:
    record = process.spawn(SLEEPER, port=1)
    with pytest.raises(StackError, match="sleeper was not ready after 0 s"):
        process.wait_ready(record, lambda: False, 0.2)


def test_a_command_that_cannot_be_run(process: ManagedProcess) -> None:
    with pytest.raises(StackError, match="sleeper cannot be started: /no/such: No such file"):
        process.spawn(["/no/such"], port=1)


def test_a_child_whose_pid_file_cannot_be_written_is_ended(process: ManagedProcess) -> None:
    process.pid_file.mkdir()
    with pytest.raises(StackError, match="cannot be written"):
        process.spawn(SLEEPER, port=1)
    assert SLEEPER not in [child.cmdline() for child in psutil.Process().children()]
    process.pid_file.rmdir()


def test_a_large_log_is_put_aside_before_the_next_start(
    process: ManagedProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cst_stack.processes.ROTATE_LOG_BYTES", 10)
    process.log_file.write_text("old " * 10)
    start(process, SLEEPER)
    assert process.log_file.with_suffix(".log.1").read_text().startswith("old")
    assert "old" not in process.log_file.read_text()
