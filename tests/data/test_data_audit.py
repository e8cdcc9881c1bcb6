"""The audit holds over all of it, and one changed byte is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from boston_csv import TIMEOUT
from boston_run import BostonRun

from cst_ledger.verify import verify_one

pytestmark = [pytest.mark.data, pytest.mark.timeout(TIMEOUT)]


@asynccontextmanager
async def _one_byte_changed(run: BostonRun, path: tuple[str, ...]) -> AsyncIterator[str]:
    """Change the last letter of a text in some first event; yield its request; put it back."""
    logs = run.db["performance_logs"]
    (log,) = await logs.find().sort("_id", 1).skip(len(run.file.rows) // 2).limit(1).to_list()
    value: Any = log["event_stream"][0]
    for key in path:
        value = value[key]
    changed = value[:-1] + ("x" if value[-1] != "x" else "y")
    where = ".".join(("event_stream", "0", *path))
    await logs.update_one({"_id": log["_id"]}, {"$set": {where: changed}})
    try:
        yield log["event_stream"][0]["subject"]
    finally:
        await logs.update_one({"_id": log["_id"]}, {"$set": {where: value}})


async def test_every_chain_holds(boston: BostonRun) -> None:
    verdict = boston.cst("audit", "verify")
    assert verdict.returncode == 0, verdict.stderr
    assert verdict.stdout.startswith(f"{len(boston.file.rows)} requests, ")


async def test_a_changed_byte_is_found_among_all(boston: BostonRun) -> None:
    async with _one_byte_changed(boston, ("facts", "zone_id")) as request_id:
        verdict = boston.cst("audit", "verify")
    assert verdict.returncode == 1
    assert f"{request_id} seq 0: the event was altered" in verdict.stderr


@pytest.mark.parametrize(
    "path",
    [
        ("meta", "source_id"),
        ("meta", "message"),
        ("meta", "text_digest"),
        ("changes", "status"),
        ("by", "actor_id"),
        ("hash",),
    ],
)
async def test_no_part_of_an_event_can_change_unseen(
    boston: BostonRun, path: tuple[str, ...]
) -> None:
    async with _one_byte_changed(boston, path) as request_id:
        verdict = await verify_one(boston.db, request_id)
    assert any(problem.startswith("seq 0: ") for problem in verdict.problems)
    assert (await verify_one(boston.db, request_id)).ok
