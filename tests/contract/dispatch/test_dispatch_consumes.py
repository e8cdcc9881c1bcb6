"""Dispatch reads every committed example of what it subscribes to."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_process.core import Core


@pytest.mark.parametrize("delivery", deliveries("dispatch"), ids=str)
async def test_a_triaged_request_is_assigned_or_waits(core: Core, delivery: Delivery) -> None:
    before = await seed(core, delivery.seed)
    request_id = before["request_id"]
    await deliver_and_take(core, delivery)
    after = await core.ledger("test").load(request_id)
    waits = await core.db["dispatch_queue"].find_one({"_id": request_id})
    if before["status"] != "triaged":
        assert (after, waits) == (before, None)
        return
    assigned = after["assignment"]["assigned_agent_id"] is not None
    assert assigned == (after["status"] == "assigned")
    assert assigned != (waits is not None)
