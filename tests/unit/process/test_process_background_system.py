"""The background system: what its processes inherit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.settings import AppSettings
from cst_cli.system import System
from cst_core.settings import load_settings
from cst_stack.ports import free_port
from cst_stack.processes import ManagedProcess, PidRecord


def test_it_inherits_the_environment_with_the_settings_on_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings of one process only (``CST_RELAY_…``) and PATH must reach it, too."""
    given: dict[str, str] = {}

    def spawn(
        self: ManagedProcess,
        command: Sequence[str],
        port: int,
        environ: Mapping[str, str] | None = None,
    ) -> PidRecord:
        given.update(environ or {})
        return PidRecord(1, 0, port, list(command))

    def wait_ready(*_: Any) -> None:
        """It answers at once."""

    monkeypatch.setattr(ManagedProcess, "spawn", spawn)
    monkeypatch.setattr(ManagedProcess, "wait_ready", wait_ready)
    monkeypatch.setenv("PATH", "/usr/bin:/opt/java/bin")
    monkeypatch.setenv("CST_RELAY_OVERLAP_S", "7")
    monkeypatch.setenv("MONGO_DB", "of-the-shell")
    settings = load_settings(AppSettings, _env_file=None, home=tmp_path, mongo_db="settled")
    System(settings).start(free_port())
    assert given["PATH"] == "/usr/bin:/opt/java/bin"
    assert given["CST_RELAY_OVERLAP_S"] == "7"
    assert given["MONGO_DB"] == "settled"
