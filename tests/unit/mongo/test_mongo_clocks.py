"""The shared clock: whoever asks first sets its anchor, everybody else reads it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from cst_mongo.client import Database
from cst_mongo.clocks import shared_clock


async def test_processes_that_start_together_share_one_anchor(
    db: Database, elsewhere: Database
) -> None:
    spec = "2026-01-01T00:00:00Z@3600"
    clocks = await asyncio.gather(*(shared_clock([db, elsewhere][i % 2], spec) for i in range(20)))
    assert len(set(clocks)) == 1
    assert await shared_clock(elsewhere, spec) == clocks[0]


async def test_the_anchor_is_when_the_first_asked(db: Database) -> None:
    before = datetime.now(UTC)
    clock = await shared_clock(db, "2030-06-01T00:00:00Z@0")
    assert clock.anchor is not None
    assert abs((clock.anchor - before).total_seconds()) < 10
    assert clock.now() == datetime(2030, 6, 1, tzinfo=UTC)


async def test_real_time_needs_no_anchor(db: Database) -> None:
    clock = await shared_clock(db, "real")
    assert (clock.start, clock.anchor) == (None, None)
    assert await db["clocks"].find_one({"_id": "real"}) is None


async def test_a_clock_that_cannot_be_read_is_refused(db: Database) -> None:
    with pytest.raises(ValueError, match="CST_CLOCK"):
        await shared_clock(db, "soon@1")
