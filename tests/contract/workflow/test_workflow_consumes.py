"""Workflow reads every committed example of what it subscribes to."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_process.core import Core


@pytest.mark.parametrize("delivery", deliveries("workflow"), ids=str)
async def test_a_new_request_is_triaged_unless_staff_do_it(core: Core, delivery: Delivery) -> None:
    before = await seed(core, delivery.seed)
    category = (await core.catalog.get()).category(before["category"])
    by_rule = (
        delivery.consumer == "workflow.triage"
        and before["status"] == "new"
        and before["duplicates"]["is_master"]
        and category.triage == "auto"
    )
    await deliver_and_take(core, delivery)
    after = await core.ledger("test").load(before["request_id"])
    assert after["status"] == ("triaged" if by_rule else before["status"])
