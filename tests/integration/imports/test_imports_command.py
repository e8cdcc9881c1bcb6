"""The command from end to end: good rows in, bad rows reported, damage told."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from import_kit import Command, history, stored, write_csv

from cst_process.core import Core


async def test_bad_rows_are_reported_and_the_rest_goes_on(
    command: Command, core: Core, tmp_path: Path
) -> None:
    rows = [
        history(0),
        history(1, category="dragon"),
        history(2, created_at="yesterday"),
        history(3, lon="0", lat="0"),
        history(4, lon="", lat=""),
        history(4),
    ]
    path = write_csv(tmp_path / "rows.csv", rows)
    with path.open("a") as file:
        file.write("A-5,pothole\n")
    done = command.run("import", str(path), "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "7 read, 2 imported, 0 already there, 5 rejected (see rows.rejected.csv)"
    )
    assert await stored(core) == ["A-0", "A-4"]
    with (tmp_path / "rows.rejected.csv").open(newline="") as file:
        header, *report = csv.reader(file)
    assert header == ["line", "column", "value", "reason"]
    assert sorted(report) == [
        ["3", "category", "dragon", "names no category of New York City"],
        [
            "4",
            "created_at",
            "yesterday",
            "is not an ISO 8601 time, e.g. 2026-03-02T15:00:00-05:00",
        ],
        ["5", "lon, lat", "0, 0", "is outside the service area of New York City"],
        ["7", "id", "A-4", "stands in an earlier row of this file, too"],
        ["8", "(row)", "A-5,pothole", "has 2 cells, the header has 7"],
    ]


async def test_a_damaged_file_is_told_and_a_whole_one_completes_it(
    command: Command, core: Core, tmp_path: Path
) -> None:
    whole = gzip.compress(write_csv(tmp_path / "rows.csv", map(history, range(900))).read_bytes())
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(whole[:-20])
    cut = command.run("import", str(path), "--format", "csv")
    assert cut.returncode == 1
    assert cut.stderr.splitlines()[-1].startswith(
        f"cst: {path}: the compressed data is damaged or cut off"
    )
    assert "Traceback" not in cut.stderr
    path.write_bytes(whole)
    again = command.run("import", str(path), "--format", "csv")
    assert again.returncode == 0, again.stderr
    assert len(await stored(core)) == 900


async def test_a_header_alone_imports_nothing(command: Command, core: Core, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", [])
    done = command.run("import", str(path), "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 read, 0 imported")
    assert await stored(core) == []
