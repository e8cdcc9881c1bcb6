"""How long a request waits that somebody could take: after work was done, and after a shift began.

``python -m tests.bench.waking``. Through everything: API, ledger, change stream, broker, worker.
The times are those of the events (``recorded_at``), the second one is from the shift's start on.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from argparse import ArgumentParser
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cst_mongo.client import Database
from cst_mongo.clocks import shared_clock
from cst_stack import Home, down
from cst_testkit.apps import TUESDAY_NOON
from cst_testkit.crews import person, staff_only
from cst_testkit.systems import RunningSystem, running_app
from cst_testkit.waiting import wait_until

TIMES = 15
PATIENCE_S = 180.0
NEW_YORK = ZoneInfo("America/New_York")
COVERAGE = {"zone_ids": ["MN01", "MN03"], "geo_fence": None}
ENDING: tuple[dict[str, Any], ...] = (
    {"to": "in_progress"},
    {"to": "resolved", "resolution_code": "fixed"},
)


async def _end(system: RunningSystem, request_id: str) -> datetime:
    """End the work of a request, and return when its capacity was given back."""
    for body in ENDING:
        path, headers = f"/requests/{request_id}/transition", system.as_("dispatcher")
        answer = await system.client.patch(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    return _recorded(await system.story(request_id), "resolved")


def _recorded(events: list[dict[str, Any]], kind: str) -> datetime:
    return next(datetime.fromisoformat(e["recorded_at"]) for e in events if e["type"] == kind)


async def _is_deferred(system: RunningSystem, request_id: str) -> bool:
    return bool((await system.story(request_id))[-1]["type"] == "assignment_deferred")


async def _freed(system: RunningSystem, times: int) -> list[float]:
    """Return the seconds from each end of work to the assignment of what waits for it."""
    seconds, busy = [], await system.file()
    await system.assigned(busy, PATIENCE_S)
    for _ in range(times):
        waiting = await system.file()
        await wait_until(partial(_is_deferred, system, waiting), PATIENCE_S)
        ended = await _end(system, busy)
        assigned = _recorded(await system.assigned(waiting, PATIENCE_S), "assigned")
        seconds.append((assigned - ended).total_seconds())
        busy = waiting
    return seconds


async def _shift(system: RunningSystem, db: Database) -> float:
    """Return the seconds from the start of a shift to an assignment that waits for it."""
    now = (await shared_clock(db, TUESDAY_NOON)).now()
    begin = (now.astimezone(NEW_YORK) + timedelta(seconds=75)).replace(second=0, microsecond=0)
    end = begin + timedelta(hours=4)
    shift = {
        "day": begin.strftime("%a").lower(),
        "start": f"{begin:%H:%M}",
        "end": f"{end:%H:%M}",
    }
    schedule = {"timezone": "America/New_York", "shifts": [shift], "on_call": False}
    await staff_only(db, [person(2, coverage=COVERAGE, schedule=schedule)])
    story = await system.assigned(await system.file(), PATIENCE_S)
    return (_recorded(story, "assigned") - begin).total_seconds()


async def _run(times: int) -> None:
    home = Home(Path(tempfile.mkdtemp(prefix="cst-waking-")))
    try:
        async with running_app(home) as system, system.database() as db:
            await staff_only(db, [person(1, capacity=1, coverage=COVERAGE)])
            freed = sorted(await _freed(system, times))
            print(
                f"\nroom that is made is taken after {statistics.median(freed):.2f} s in the "
                f"median, {freed[-1]:.2f} s at the most ({times} times)"
            )
            print(f"a shift that begins takes what waits after {await _shift(system, db):.2f} s")
    finally:
        down(home)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000, help="below 20,000 it is left out")
    if parser.parse_args().rows >= 20_000:
        asyncio.run(_run(TIMES))
    else:
        print("\nleft out with few rows: a whole system waits for a shift to begin")
