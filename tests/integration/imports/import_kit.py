"""Files of history, and what the tests of this folder look at after an import."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cst_intake.domain.imports import FORMATS, Reference, read_table
from cst_intake.importing import Importer, Rejected, Tally
from cst_process.core import Core

GOOD = {
    "category": "pothole",
    "description": "A deep hole",
    "created_at": "2025-03-02T15:00:00-05:00",
    "closed_at": "2025-03-03T15:00:00-05:00",
    "lon": "-74.0",
    "lat": "40.71",
}


def history(number: int, **cells: str) -> dict[str, str]:
    """Return a good row of format csv; ``cells`` replace some."""
    return {"id": f"A-{number}", **GOOD, **cells}


def write_csv(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    """Write a file of format csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", *GOOD])
        writer.writeheader()
        writer.writerows(rows)
    return path


@dataclass
class Import:
    """An import in this process, and the rows it rejected."""

    core: Core
    rejected: list[Rejected] = field(default_factory=list)

    async def run(self, path: Path, *, batch: int = 100) -> Tally:
        """Import a file of format csv."""
        reference = Reference(await self.core.catalog.get())
        importer = Importer(
            self.core,
            FORMATS["csv"],
            reference,
            reject=self.rejected.append,
            progress=lambda _: None,
        )
        with path.open(encoding="utf-8", newline="") as lines:
            await importer.run(read_table(lines, FORMATS["csv"]), batch=batch)
        return importer.tally


@dataclass(frozen=True)
class Command:
    """``cst`` as a process, with a database and a working folder of its own."""

    environ: dict[str, str]
    folder: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "cst_cli", *arguments],
            env={**os.environ, **self.environ},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=200)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


async def stored(core: Core) -> list[str]:
    """Return the other system's ids of all requests, each checked to have its one event."""
    logs = {log["request_id"]: log async for log in core.db["performance_logs"].find()}
    requests: list[dict[str, Any]] = await core.db["service_requests"].find().to_list()
    assert {request["_id"] for request in requests} == set(logs)
    assert len({request["request_id"] for request in requests}) == len(requests)
    for request in requests:
        (event,) = logs[request["_id"]]["event_stream"]
        assert (event["type"], event["seq"]) == ("imported", 0)
        assert event["meta"]["source_id"] == request["source"]["id"]
    return sorted(request["source"]["id"] for request in requests)
