"""What the embedded parts (mongod, Tansu, Apache Kafka) have in common."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime

from cst_stack.errors import PortTakenError, StackError
from cst_stack.home import Home
from cst_stack.ports import LOOPBACK, holder, is_free, require_free
from cst_stack.processes import POLL_SECONDS, ManagedProcess

ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class PartStatus:
    """State of one part: ``since`` in UTC; ``pid``, ``port``, ``since`` are None unless known."""

    name: str
    running: bool
    pid: int | None
    port: int | None
    since: datetime | None
    detail: str


class Part(ABC):
    """An embedded server that listens on a loopback port."""

    name: str
    port_setting: str
    default_port: int
    stop_seconds: float

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process = ManagedProcess(home, self.name)

    def serving_port(self) -> int | None:
        """Return the port of the part if it runs and serves, or None if it does not run.

        Raises ``StackError`` if it runs but does not answer within ``ANSWER_SECONDS``.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        while (record := self.process.running()) is not None:
            if self._describe(record.port) is not None:
                return record.port
            if time.monotonic() > deadline:
                raise StackError(
                    f"{self.name} (pid {record.pid}) runs but does not answer on "
                    f"{LOOPBACK}:{record.port}; stop it with `cst down` and start again"
                )
            time.sleep(POLL_SECONDS)
        return None

    def start(self, port: int) -> None:
        """Start on ``port`` and return when it serves.

        Raises ``PortTakenError`` if another process has the port, ``StackError`` for any other
        reason why it cannot serve; then nothing of it is left running.
        """
        self.process.discard_stale_pid_file()
        require_free(port, self.name, self.port_setting)
        try:
            self._launch(port)
        except BaseException as error:
            self.stop()
            # Between the look at the port and the bind somebody else may have taken it.
            if isinstance(error, StackError) and not is_free(port):
                raise PortTakenError(port, self.name, holder(port), self.port_setting) from error
            raise

    def stop(self) -> bool:
        """Stop within a bounded time; say whether it was running. The data stays."""
        return self.process.stop(self.stop_seconds)

    def kill(self) -> bool:
        """End it at once, as a power cut would; say whether it was running. The data stays."""
        return self.process.kill()

    def status(self) -> PartStatus:
        """Look at the process and ask the server; takes at most a few seconds."""
        record = self.process.running()
        if record is None:
            return PartStatus(self.name, False, None, None, None, "not running")
        answer = self._describe(record.port)
        detail = answer or f"does not answer on {LOOPBACK}:{record.port}"
        return PartStatus(self.name, True, record.pid, record.port, record.since, detail)

    @abstractmethod
    def _launch(self, port: int) -> None:
        """Spawn the process and wait until it serves."""

    @abstractmethod
    def _describe(self, port: int) -> str | None:
        """Return one line about the server on ``port``, or None if it does not answer."""
