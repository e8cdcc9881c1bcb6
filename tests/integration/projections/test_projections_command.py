"""``cst projections`` as operators type it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from projections_kit import delivered, emptied, shuffled, stored, stories

from cst_process.core import Core
from cst_stack import Endpoints
from cst_testkit.apps import Api
from cst_testkit.commands import Cst, command
from cst_testkit.factories import created_event
from cst_testkit.histories import step

NAMES = ["geo", "clocks", "kpis", "facts", "agents", "queue", "acceptance"]


@pytest.fixture
async def core(api: Api) -> Core:
    await emptied(api.core)
    await stored(api.core, [created_event(), step("triaged")])
    for worker in ("geo", "sla", "dispatch"):
        records = shuffled(await stories(api.core), random.Random(1))
        await delivered(api.core, worker, records)
    return api.core


@pytest.fixture
def cst(core: Core, stack: Endpoints, tmp_path: Path) -> Cst:
    """Run ``cst projections …`` over the database; return (exit code, output, complaints)."""
    return command(stack, core.db.name, tmp_path, "projections")


async def test_a_difference_is_printed_and_rebuilt(core: Core, cst: Cst) -> None:
    code, out, _ = await cst("check")
    assert (code, out.count("as the ledger says")) == (0, len(NAMES))
    await core.db["geo_cells"].update_one({}, {"$set": {"n": 5}})
    code, out, complaints = await cst("check", "geo")
    assert (code, out) == (1, "")
    assert complaints.startswith("geo: geo_cells 8a2a1072b59ffff|pothole|")
    assert complaints.endswith(": n is 5, by the ledger 1\n")
    assert await cst("rebuild", "geo") == (0, "geo: rebuilt, 1 rows\n", "")
    assert (await cst("check", "geo"))[0] == 0


async def test_the_list_names_them_all(cst: Cst) -> None:
    code, out, _ = await cst("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == NAMES


@pytest.mark.parametrize("command", ["check", "rebuild"])
async def test_an_unknown_name_is_refused_in_one_line(cst: Cst, command: str) -> None:
    code, out, complaints = await cst(command, "dragons")
    assert (code, out) == (1, "")
    allowed = f"allowed: {', '.join(NAMES)}"
    assert complaints == f"cst: 'dragons' is not a projection; {allowed}\n"
