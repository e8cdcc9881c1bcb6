"""SLA writes what the contracts say it does."""

from dataclasses import replace
from datetime import timedelta

from contract_kit import assert_writes_what_it_promises, examples, written_by
from seeding import seed

from cst_core.clock import Clock, wall_now
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_sla.service import SlaService


async def test_every_event_of_every_use_case(core: Core) -> None:
    request = await seed(core, examples("created")[0])
    now = SlaService(core)
    await transact(core.db, lambda session: now.follow([request["request_id"]], session))
    late = Clock(start=request["due_at"] + timedelta(hours=1), rate=0, anchor=wall_now())
    assert await SlaService(replace(core, clock=late)).fire_due() == 1
    (breached,) = await written_by(core, "sla")
    assert breached["at"] == request["due_at"]
    assert_writes_what_it_promises([breached], "sla")
