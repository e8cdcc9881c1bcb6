"""The version of the projections changes with whatever changes them, and with nothing else."""

from __future__ import annotations

import pytest
from geo_kit import Report, changed, file_reports, happens

from app.registry import PROJECTIONS
from cst_core.errors import Conflict
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.stores import BUILT
from cst_mongo.leases import Leases
from cst_mongo.transactions import transact
from cst_process.core import Core


def gate_of(core: Core) -> Gate:
    return Gate(core.db, "geo", [spec.name for spec in BUILT], Leases(core.db))


async def test_every_committed_change_moves_it(core: Core) -> None:
    gate = gate_of(core)
    seen = [await gate.version()]
    [request_id] = await file_reports(core, [Report()])
    seen.append(await gate.version())
    assert await gate.version() == seen[-1]
    raised = {"from_priority": "P3", "to_priority": "P1"}
    await happens(core, request_id, changed("priority_changed", raised, priority="P1"))
    seen.append(await gate.version())
    assert len(set(seen)) == 3


async def test_what_is_not_committed_does_not_move_it(core: Core) -> None:
    gate = gate_of(core)
    before = await gate.version()

    async def fails(session: object) -> None:
        await gate.pass_through(session)  # type: ignore[arg-type]
        assert await gate.version() == before
        raise Conflict("rolled back")

    with pytest.raises(Conflict):
        await transact(core.db, fails)
    assert await gate.version() == before


async def test_a_rebuild_moves_it_and_there_is_none_while_it_swaps(core: Core) -> None:
    await file_reports(core, [Report()])
    gate = gate_of(core)
    before = await gate.version()
    await PROJECTIONS["geo"].build(core).rebuild()
    after = await gate.version()
    assert after not in (None, before)
    epoch = (await gate.state())["epoch"]
    await gate.close(epoch)
    # Closed only, it is still what it was: nothing is written, nothing is swapped.
    assert await gate.version() == after
    await gate.commit(epoch, "__next_nothing")
    assert await gate.version() is None
    await gate.finish()
    assert await gate.version() not in (None, before, after)
