"""The `cst` command with a state folder of its own, whose processes are gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cst_stack import Home
from cst_testkit.leftovers import processes_of

STACK = ("MONGO_URI", "MONGO_DB", "KAFKA_BOOTSTRAP_SERVERS", "CST_CLOCK", "CST_CITY")


@dataclass(frozen=True)
class Cst:
    """Runs `cst` as a user would, over an embedded stack on free ports."""

    home: Home
    env: dict[str, str]

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        command = [sys.executable, "-m", "cst_cli", *arguments]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as a shell does, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "cst_cli", *arguments],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )


@pytest.fixture(scope="module")
def cst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cst]:
    home = Home(tmp_path_factory.mktemp("simulation") / "home")
    env = {name: value for name, value in os.environ.items() if name not in STACK}
    env |= {"CST_HOME": str(home.root), "CST_MONGO_PORT": "0", "CST_KAFKA_PORT": "0"}
    command = Cst(home, env)
    # Where these tests run in the background of a shell, Ctrl-C is ignored, and children inherit
    # that; what has a handler here begins with the default there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield command
    signal.signal(signal.SIGINT, before)
    command.run("down")
    left = processes_of(home)
    for process in left:
        process.kill()
    assert not left
