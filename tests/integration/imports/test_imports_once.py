"""Nothing twice: again, at the same time, within one file, and after a kill."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from import_kit import Command, Import, history, stored, write_csv

from cst_core.ids import request_number
from cst_drafts import number_series
from cst_intake.importing import BLOCK, Tally
from cst_process.core import Core
from cst_testkit.waiting import wait_until


def _ids(*numbers: int) -> list[str]:
    return sorted(f"A-{number}" for number in numbers)


async def test_a_second_import_adds_only_what_is_new(imports: Import, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", map(history, range(250)))
    assert await imports.run(path) == Tally(read=250, imported=250)
    assert await imports.run(path) == Tally(read=250, known=250)
    write_csv(path, map(history, range(200, 300)))
    assert await imports.run(path) == Tally(read=100, imported=50, known=50)
    assert await stored(imports.core) == _ids(*range(300))
    assert imports.rejected == []


async def test_what_is_known_needs_no_numbers(imports: Import, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", map(history, range(BLOCK)))
    await imports.run(path)
    await imports.run(path)
    assert await imports.core.counter.take(number_series(2025), 1) == range(BLOCK + 1, BLOCK + 2)


async def test_the_same_id_in_another_system_is_another_request(
    imports: Import, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(
        "id,category,description,created_at,source\n"
        "1,pothole,one,2025-03-02T15:00:00Z,east\n"
        "1,pothole,two,2025-03-02T15:00:00Z,west\n"
        "1,pothole,three,2025-03-02T15:00:00Z,\n"
    )
    assert (await imports.run(path)).imported == 3


@pytest.mark.parametrize("batch", [1, 3, 100])
async def test_an_id_that_a_file_repeats_is_rejected(
    imports: Import, tmp_path: Path, batch: int
) -> None:
    numbers = [*range(10), 3, *range(10, 20), 3]
    rows = [history(number, description=f"line {line + 2}") for line, number in enumerate(numbers)]
    path = write_csv(tmp_path / "rows.csv", rows)
    tally = await imports.run(path, batch=batch)
    assert tally == Tally(read=22, imported=20, rejected=2)
    assert await stored(imports.core) == _ids(*range(20))
    assert sorted(bad.line for bad in imports.rejected) == [12, 23]
    for bad in imports.rejected:
        problem = bad.problem
        assert (problem.column, problem.value) == ("id", "A-3")
        assert problem.reason == "stands in an earlier row of this file, too"


async def test_two_imports_at_once_share_the_work(core: Core, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", map(history, range(600)))
    first, second = Import(core), Import(core)
    tallies = await asyncio.gather(first.run(path, batch=20), second.run(path, batch=20))
    assert await stored(core) == _ids(*range(600))
    assert sum(tally.imported for tally in tallies) == 600
    assert sum(tally.known for tally in tallies) == 600
    assert first.rejected == second.rejected == []


async def test_numbers_go_on_from_those_of_other_requests(imports: Import, tmp_path: Path) -> None:
    await imports.core.counter.take(number_series(2025), 41)
    await imports.run(write_csv(tmp_path / "rows.csv", [history(0)]))
    (request,) = await imports.core.db["service_requests"].find().to_list()
    assert request["request_id"] == request_number(2025, 42)


async def test_a_killed_import_is_completed_by_the_next(
    command: Command, core: Core, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "rows.csv", map(history, range(6000)))

    with command.start("import", str(path), "--format", "csv", "--batch", "50") as first:

        async def some() -> bool:
            assert first.poll() is None
            return await core.db["service_requests"].count_documents({}) >= 500

        await wait_until(some, 60, "500 requests")
        first.send_signal(signal.SIGKILL)
    before = await stored(core)
    assert 500 <= len(before) < 6000
    second = command.run("import", str(path), "--format", "csv")
    assert second.returncode == 0, second.stderr
    there = len(before)
    expected = f"6000 read, {6000 - there} imported, {there} already there, 0 rejected"
    assert second.stdout.startswith(expected)
    assert await stored(core) == _ids(*range(6000))
