"""Detached child processes that a later command can find again, watch and stop."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from cst_stack.errors import StackError
from cst_stack.home import MIB, Home
from cst_stack.logtail import last_meaningful_line, tail

POLL_SECONDS = 0.05
KILL_WAIT_SECONDS = 10.0
ROTATE_LOG_BYTES = 16 * MIB
# psutil derives the time of creation from the boot time, rounded to clock ticks.
SAME_CREATION_SECONDS = 1.0

log = logging.getLogger("cst.stack")

# Kept so that this process reaps the children it started when they end.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class PidRecord:
    """What a pid file holds: enough to tell the process from a later one of the same pid.

    ``create_time`` is in seconds since the epoch, as psutil gives it.
    """

    pid: int
    create_time: float
    port: int
    command: list[str]

    @property
    def since(self) -> datetime:
        """Time at which the process was started, in UTC."""
        return datetime.fromtimestamp(self.create_time, UTC)


class ManagedProcess:
    """A detached child with a pid file and a log, both named after it."""

    def __init__(self, home: Home, name: str) -> None:
        self.home = home
        self.name = name
        self.pid_file = home.pids / f"{name}.json"
        self.log_file = home.logs / f"{name}.log"

    def running(self) -> PidRecord | None:
        """Return the record of the running process, or None if it is not running."""
        record = self._read_pid_file()
        return record if record and _find(record) else None

    def discard_stale_pid_file(self) -> None:
        """Remove the pid file of a process that is gone; the caller holds the home's lock."""
        if self.pid_file.exists() and self.running() is None:
            log.warning("removed the stale pid file %s: its process is gone", self.pid_file)
            self.pid_file.unlink(missing_ok=True)

    def spawn(
        self, command: Sequence[str], port: int, environ: Mapping[str, str] | None = None
    ) -> PidRecord:
        """Start ``command`` in its own session, with the home as its working folder.

        ``port`` is what it will listen on; ``environ`` is its environment, this process's own
        by default. Raises ``StackError`` if the command or its pid file cannot be used.
        """
        self._rotate_log()
        try:
            with self.log_file.open("ab") as output:
                child = subprocess.Popen(
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.home.root,
                    env=environ,
                    start_new_session=True,
                )
        except OSError as error:
            raise StackError(
                f"{self.name} cannot be started: {error.filename or command[0]}: {error.strerror}"
            ) from error
        _children[child.pid] = child
        record = PidRecord(child.pid, _create_time(child.pid), port, list(command))
        try:
            write_atomically(self.pid_file, json.dumps(asdict(record)))
        except BaseException:
            child.kill()  # Without its pid file nobody would find it again.
            child.wait(KILL_WAIT_SECONDS)
            raise
        return record

    def wait_ready(self, record: PidRecord, ready: Callable[[], bool], timeout: float) -> None:
        """Poll ``ready`` until it holds, for at most ``timeout`` seconds.

        Raises ``StackError`` with the log's last meaningful line when the process dies first
        or the time is over; the caller stops what is left.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if _find(record) is None:
                self.pid_file.unlink(missing_ok=True)
                raise StackError(f"{self.name} ended while starting{self.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} was not ready after {timeout:.0f} s{self.last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def stop(self, timeout: float) -> bool:
        """End the process: SIGTERM, and SIGKILL after ``timeout`` seconds.

        Returns whether there was one to stop, and removes the pid file. Raises ``StackError``
        if the process outlives even SIGKILL.
        """
        record = self._read_pid_file()
        process = _find(record) if record else None
        if process is not None:
            self._end(process, timeout)
        self.pid_file.unlink(missing_ok=True)
        return process is not None

    def kill(self) -> bool:
        """End the process by SIGKILL alone; otherwise as ``stop``."""
        record = self._read_pid_file()
        process = _find(record) if record else None
        if process is not None:
            self._kill(process)
        self.pid_file.unlink(missing_ok=True)
        return process is not None

    def last_words(self) -> str:
        """Return ``": <last meaningful log line> (log: <path>)"``, for an error message."""
        line = last_meaningful_line(tail(self.log_file))
        return f"{': ' + line if line else ''} (log: {self.log_file})"

    def _end(self, process: psutil.Process, timeout: float) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGTERM)
            if not _gone(process, timeout):
                log.warning("%s did not end within %.0f s: killed", self.name, timeout)
                self._kill(process)

    def _kill(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            if not _gone(process, KILL_WAIT_SECONDS):
                raise StackError(
                    f"{self.name} (pid {process.pid}) cannot be killed; "
                    "it waits for the system, look at the disk it writes to"
                )

    def _read_pid_file(self) -> PidRecord | None:
        try:
            return PidRecord(**json.loads(self.pid_file.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def _rotate_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > ROTATE_LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))


def write_atomically(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never half of it.

    Raises ``StackError`` if it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.replace(path)
    except OSError as error:
        raise StackError(
            f"{path} cannot be written ({error.strerror}); "
            "make room or make it writable for this user"
        ) from error


def _create_time(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()


def _find(record: PidRecord) -> psutil.Process | None:
    """Return the live process of ``record``, or None if it ended or its pid is another's."""
    child = _children.get(record.pid)
    if child is not None and child.poll() is not None:
        del _children[record.pid]
        return None
    try:
        process = psutil.Process(record.pid)
        if _is_dead(process):
            return None
        if abs(process.create_time() - record.create_time) <= SAME_CREATION_SECONDS:
            return process
        # The wall clock jumps when a suspended machine resumes, and create_time with it.
        return process if process.cmdline() == record.command else None
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def _is_dead(process: psutil.Process) -> bool:
    """Tell whether only its entry is left, for a parent that has not looked yet."""
    # A killed process whose first thread is a zombie holds its port until the last one ends.
    return bool(process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1)


def _gone(process: psutil.Process, timeout: float) -> bool:
    child = _children.get(process.pid)
    if child is not None:
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        del _children[process.pid]
        return True
    deadline = time.monotonic() + timeout
    while process.is_running() and not _is_dead(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
