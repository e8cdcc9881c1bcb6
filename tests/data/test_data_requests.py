"""What is stored is what the file says: requests, times, verdicts, breaches, zones."""

from __future__ import annotations

from collections import Counter

import pytest
from boston_csv import EVERY, FULL, SNAPSHOT_END, TIMEOUT, BostonFile
from boston_run import BostonRun

pytestmark = [pytest.mark.data, pytest.mark.timeout(TIMEOUT)]


async def _counts(run: BostonRun, field: str) -> Counter[str]:
    cursor = await run.db["service_requests"].aggregate(
        [{"$group": {"_id": f"${field}", "n": {"$sum": 1}}}]
    )
    return Counter({row["_id"]: row["n"] async for row in cursor})


async def test_every_row_is_a_request(boston: BostonRun, boston_file: BostonFile) -> None:
    rows = len(boston_file.rows)
    assert f"{rows} read, {rows} imported, 0 already there, 0 rejected" in boston.summary
    assert set(await boston.by_source({})) == {row.id for row in boston_file.rows}
    assert await boston.db["service_requests"].count_documents({}) == rows
    assert not FULL or rows == 121_145


async def test_statuses_and_categories_are_the_files(
    boston: BostonRun, boston_file: BostonFile
) -> None:
    assert await _counts(boston, "status") == boston_file.statuses
    assert await _counts(boston, "category") == boston_file.categories


async def test_times_are_the_files(boston: BostonRun, boston_file: BostonFile) -> None:
    stored = await boston.by_source({"timestamps": 1, "due_at": 1})
    for row in boston_file.rows:
        times = stored[row.id]["timestamps"]
        assert times["created_at"] == row.opened
        assert times["resolved_at"] == times["closed_at"] == row.closed
        assert stored[row.id]["due_at"] == row.target
        unknown = ("triaged_at", "assigned_at", "in_progress_at")
        assert [times[step] for step in unknown] == [None, None, None]


async def test_resolution_takes_from_opening_to_closing(
    boston: BostonRun, boston_file: BostonFile
) -> None:
    kpis = await boston.kpis_by_source()
    wrong = [row for row in boston_file.rows if kpis[row.id]["resolution_minutes"] != row.minutes]
    assert wrong == []


async def test_what_closes_before_it_opens_is_flagged(
    boston: BostonRun, boston_file: BostonFile
) -> None:
    backwards = {r.id for r in boston_file.closed if r.closed is not None and r.closed < r.opened}
    cursor = boston.db["performance_logs"].find(
        {"event_stream.0.meta.flags": "closed_before_opened"}, {"event_stream.meta.source_id": 1}
    )
    assert {log["event_stream"][0]["meta"]["source_id"] async for log in cursor} == backwards
    assert len(backwards) == 197 if FULL else backwards


async def test_verdicts_are_the_citys_own(boston: BostonRun, boston_file: BostonFile) -> None:
    kpis = await boston.kpis_by_source()
    wrong = [row for row in boston_file.judged if kpis[row.id]["sla_state"] != row.verdict]
    assert wrong == []
    assert not FULL or len(boston_file.judged) == 79_126 + 82


async def test_breaches_are_declared_as_the_clock_stands(
    boston: BostonRun, boston_file: BostonFile
) -> None:
    promised = [row for row in boston_file.rows if row.target is not None]
    late = {row.id for row in promised if row.breached}
    waiting = sum(row.closed is None and not row.breached for row in promised)
    events = boston.db["performance_logs"].find(
        {"event_stream.type": "sla_breached"}, {"event_stream": 1}
    )
    declared = [event for log in await events.to_list() for event in log["event_stream"]]
    breached = [event for event in declared if event["type"] == "sla_breached"]
    assert len(breached) == len(late)
    assert {e["meta"]["source_id"] for e in declared if e["type"] == "imported"} == late
    clocks = boston.db["sla_clocks"]
    assert await clocks.count_documents({"breached_at": {"$ne": None}}) == len(late)
    running = {"stopped_at": None, "breached_at": None, "due_at": {"$gt": SNAPSHOT_END}}
    assert await clocks.count_documents(running) == waiting
    if FULL:
        still_open = sum(row.closed is None for row in promised if row.breached)
        assert (len(late), still_open, waiting) == (30_599, 11_445, 3_501)


@pytest.mark.parametrize(
    ("neighborhood", "of_the_whole_file"),
    [
        ("East Boston", (6_660, 6_660)),
        ("Charlestown", (3_332, 3_334)),
        ("South End", (5_116, 5_128)),
    ],
)
async def test_zones_are_the_citys_neighborhoods(
    boston: BostonRun,
    boston_file: BostonFile,
    neighborhood: str,
    of_the_whole_file: tuple[int, int],
) -> None:
    stored = await boston.by_source({"location": 1})
    placed = [row for row in boston_file.located if row.neighborhood == neighborhood]
    found = Counter(
        (stored[row.id]["location"]["zone_id"], stored[row.id]["location"]["snapped"])
        for row in placed
    )
    expected = of_the_whole_file if FULL else boston_file.inside(neighborhood)
    assert (found[neighborhood, False], len(placed)) == expected


async def test_what_nobody_placed_has_no_place(boston: BostonRun, boston_file: BostonFile) -> None:
    stored = await boston.by_source({"location": 1})
    for row in boston_file.rows:
        location = stored[row.id]["location"]
        assert location["located"] == row.located
        assert location["h3"] == (row.leaf if row.located else None)
        assert (location["zone_id"] == "UNKNOWN") == (not row.located)
        assert location["coordinates"] == list(row.point)


async def test_history_is_marked_and_left_alone(boston: BostonRun) -> None:
    requests = boston.db["service_requests"]
    assert await requests.count_documents({"historic": {"$ne": True}}) == 0
    types = await boston.db["performance_logs"].distinct("event_stream.type")
    assert sorted(types) == ["imported", "sla_breached"]


async def test_a_second_import_adds_nothing(boston: BostonRun, boston_file: BostonFile) -> None:
    rows, before = len(boston_file.rows), await boston.by_source({"ledger": 1})
    again = boston.cst(
        *("import", str(boston_file.path), "--format", "boston"),
        *("--every", str(EVERY), "--report", "again.csv"),
    )
    assert again.returncode == 0, again.stderr
    assert f"{rows} read, 0 imported, {rows} already there, 0 rejected" in again.stdout
    assert await boston.by_source({"ledger": 1}) == before
