"""The folder in which a stack keeps its data, logs, pid files and memory of itself."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cst_stack.errors import StackError

MIB = 1024 * 1024
# Longer than any `up` may take, its first download of Kafka's jars included.
LOCK_TIMEOUT_SECONDS = 420.0
LOCK_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Home:
    """A stack's state folder; ``root`` is made absolute."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root).absolute())

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Home:
        """Return the home named by ``CST_HOME``, or ``./.cst``."""
        values = os.environ if environ is None else environ
        return cls(Path(values.get("CST_HOME") or ".cst"))

    @property
    def logs(self) -> Path:
        """Folder with one log file per part."""
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        """Folder with one pid file per running part."""
        return self.root / "pids"

    @property
    def data(self) -> Path:
        """Folder with the parts' data; it outlives them."""
        return self.root / "data"

    @property
    def state_file(self) -> Path:
        """File with the endpoints and remembered ports."""
        return self.root / "stack.json"

    def prepare(self) -> None:
        """Create the folders; raise ``StackError`` where they cannot be written."""
        try:
            for folder in (self.root, self.logs, self.pids, self.data):
                folder.mkdir(parents=True, exist_ok=True)
                probe = folder / f".write-test-{os.getpid()}"
                probe.touch()
                probe.unlink()
        except OSError as error:
            raise StackError(
                f"the state folder {self.root} cannot be written ({error.strerror}); "
                "make it writable for this user or set CST_HOME to another folder"
            ) from error

    def require_free_space(self, needed_mib: int, part: str) -> None:
        """Raise ``StackError`` unless ``needed_mib`` MiB are free where the data lies."""
        free_mib = shutil.disk_usage(self.root).free // MIB
        if free_mib < needed_mib:
            raise StackError(
                f"the disk of {self.root} is full: {part} needs {needed_mib} MiB, "
                f"{free_mib} MiB are free; make room or set CST_HOME to a folder on another disk"
            )

    @contextmanager
    def lock(self, timeout: float = LOCK_TIMEOUT_SECONDS) -> Iterator[None]:
        """Hold the home for this process alone.

        Waits at most ``timeout`` seconds for another process that starts or stops the same
        stack, then raises ``StackError``.
        """
        with exclusive_lock(self.root / "stack.lock", timeout):
            yield


@contextmanager
def exclusive_lock(path: Path, timeout: float) -> Iterator[None]:
    """Hold an advisory lock on ``path``, which ends with the process at the latest.

    Waits at most ``timeout`` seconds, then raises ``StackError``; so it does where the file
    cannot be written.
    """
    try:
        handle = path.open("a")
    except OSError as error:
        raise StackError(
            f"{path} cannot be written ({error.strerror}); make it writable for this user"
        ) from error
    with handle:
        _acquire(handle, path, time.monotonic() + timeout)
        yield


def _acquire(handle: TextIO, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StackError(
                    f"another process holds {path} and starts or stops the stack; "
                    "wait for it to finish or end it, then try again"
                ) from None
            time.sleep(LOCK_POLL_SECONDS)
