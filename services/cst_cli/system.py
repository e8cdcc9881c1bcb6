"""The system: every process of CST under one supervisor, detached or in the foreground."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil

from app.registry import WORKERS
from app.settings import AppSettings
from cst_core.settings import load_settings
from cst_process.supervisor import Child, supervise
from cst_stack import Home
from cst_stack.ports import require_free
from cst_stack.processes import ManagedProcess, PidRecord

READY_S = 90.0
STOP_S = 20.0


def children(home: Home, port: int) -> list[Child]:
    """Return the processes of a whole system: the API on ``port``, the relay, each worker."""
    names = ["relay", *(f"{name}-worker" for name in WORKERS)]
    api = Child("api", ["run", "api", "--port", str(port)], home.logs / "api.log")
    return [api, *(Child(name, ["run", name], home.logs / f"{name}.log") for name in names)]


async def run_system(
    home: Home, port: int, environ: Mapping[str, str], stop: asyncio.Event
) -> None:
    """Keep a whole system running until ``stop`` is set."""
    await supervise(children(home, port), environ, stop)


class System:
    """A whole system in the background, found again by its pid file."""

    def __init__(self, settings: AppSettings) -> None:
        self._settings = settings
        self._process = ManagedProcess(Home(settings.home), "system")

    def running(self) -> PidRecord | None:
        """Return the supervisor's record, or None."""
        return self._process.running()

    def settings(self) -> AppSettings:
        """Return the running system's own settings, which may differ from this command's."""
        record = self.running()
        if record is None:
            return self._settings
        environ = psutil.Process(record.pid).environ()
        names = {field.alias for field in AppSettings.model_fields.values() if field.alias}
        given = {name: environ[name] for name in names & environ.keys()}
        return load_settings(AppSettings, **given)

    def url(self) -> str | None:
        """Return where its API answers, or None."""
        record = self.running()
        return f"http://127.0.0.1:{record.port}" if record else None

    def start(self, port: int) -> str:
        """Start it unless it runs, and return its URL once it answers.

        Raises:
            StackError: it ended, or did not answer in time; the text has the log's last line.
        """
        record = self.running()
        if record is None:
            self._process.discard_stale_pid_file()
            require_free(port, "the API", "--port")
            command = [sys.executable, "-m", "cst_cli", "run", "system", "--port", str(port)]
            # It runs in another folder, where a relative .env would not be found.
            env_file = str(Path(os.environ.get("CST_ENV_FILE", ".env")).absolute())
            environ = {**os.environ, "CST_ENV_FILE": env_file, **self._settings.environ()}
            record = self._process.spawn(command, port, environ)
        url = f"http://127.0.0.1:{record.port}"
        try:
            self._process.wait_ready(record, lambda: answers(url), READY_S)
        except BaseException:
            self.stop()
            raise
        return url

    def stop(self) -> bool:
        """Stop it; False when it did not run."""
        return self._process.stop(STOP_S)

    def processes(self) -> list[dict[str, object]]:
        """Return its child processes: name, pid, memory in MiB."""
        record = self.running()
        if record is None:
            return []
        found: list[dict[str, object]] = []
        for child in psutil.Process(record.pid).children():
            try:
                name = child.cmdline()[4:5]
                memory = round(child.memory_info().rss / 2**20)
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            found.append({"name": "".join(name), "pid": child.pid, "memory_mib": memory})
        return found


def answers(url: str) -> bool:
    """Tell whether the API at ``url`` is ready."""
    try:
        return httpx.get(f"{url}/readyz", timeout=1).status_code == 200
    except httpx.HTTPError:
        return False
