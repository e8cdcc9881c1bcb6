"""Dispatch writes what the contracts say it does."""

from contract_kit import assert_writes_what_it_promises, examples, written_by
from seeding import seed

from cst_dispatch.reassignment import Reassignment
from cst_dispatch.service import DispatchService
from cst_ledger.events import By
from cst_mongo.transactions import transact
from cst_process.core import Core

STAFF = By("staff", "mrivera")


async def test_every_event_of_every_use_case(core: Core) -> None:
    service = DispatchService(core)
    someone, nobody = examples("triaged")
    for example in (someone, nobody):
        await seed(core, example)
    assigned = await service.assign_on_demand(someone["subject"], STAFF)
    await core.db["service_agents"].update_many(
        {"kind": "person"}, [{"$set": {"open_assignments": "$capacity"}}]
    )
    deferred = await service.assign_on_demand(nobody["subject"], STAFF)
    assert (assigned.outcome, deferred.outcome) == ("assigned", "deferred")
    reassignment = Reassignment(core)
    to_team = await transact(
        core.db, lambda session: reassignment.pass_on(someone["subject"], STAFF, session)
    )
    assert to_team is not None
    assert_writes_what_it_promises(await written_by(core, "dispatch"), "dispatch")
