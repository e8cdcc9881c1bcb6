"""What follows from every committed example of a dispute."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_ledger.events import NewEvent
from cst_process.core import Core
from cst_testkit.factories import SYSTEM

DISPUTED = [item for item in deliveries("workflow") if item.consumer == "workflow.disputes"]


@pytest.mark.parametrize("delivery", DISPUTED, ids=str)
async def test_a_supervisor_is_asked_where_the_rules_do_not_reopen(
    core: Core, delivery: Delivery
) -> None:
    before = await seed(core, delivery.seed)
    codes = {"reason_codes": delivery.seed["data"]["reason_codes"]}
    dispute = NewEvent(
        "disputed", SYSTEM, changes={"dispute": codes | {"at": core.clock.now()}}, meta=codes
    )
    await core.ledger("test").record(before["request_id"], lambda _: [dispute])
    await deliver_and_take(core, delivery)
    (notice,) = await core.db["notices"].find().to_list()
    assert (notice["kind"], notice["roles"]) == ("dispute", ["supervisor"])
    assert notice["request_id"] == before["request_id"]


@pytest.mark.parametrize("delivery", DISPUTED, ids=str)
async def test_a_dispute_that_is_settled_calls_nobody(core: Core, delivery: Delivery) -> None:
    before = await seed(core, delivery.seed)
    await deliver_and_take(core, delivery)
    assert await core.db["notices"].count_documents({}) == 0
    assert await core.ledger("test").load(before["request_id"]) == before
