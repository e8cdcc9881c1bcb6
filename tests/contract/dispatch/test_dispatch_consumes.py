"""Dispatch reads every committed example of what it subscribes to."""

import json

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries, message_examples
from seeding import seed

from app.registry import WORKERS
from cst_bus.states import StateProcessor
from cst_contracts.messages import AGENT_STATE_MESSAGE
from cst_dispatch.domain.decisions import is_to_assign
from cst_process.core import Core
from cst_testkit.records import RecordingDeadLetters, consumer_record


@pytest.mark.parametrize("delivery", deliveries("dispatch"), ids=str)
async def test_a_triaged_request_waits_in_the_queue_and_no_other(
    core: Core, delivery: Delivery
) -> None:
    before = await seed(core, delivery.seed)
    request_id = before["request_id"]
    await deliver_and_take(core, delivery)
    after = await core.ledger("test").load(request_id)
    waits = await core.db["dispatch_queue"].find_one({"_id": request_id})
    assert after["status"] == before["status"]
    assert (waits is not None) == is_to_assign(after)
    begins = await core.db["acceptance_clocks"].find_one({"_id": request_id})
    assert begins is None or after["status"] == "assigned"


async def test_a_changed_agent_is_looked_at_as_it_stands(core: Core) -> None:
    (watch,) = WORKERS["dispatch"].build(core).watches
    dead = RecordingDeadLetters()
    states = message_examples(AGENT_STATE_MESSAGE)
    records = [
        consumer_record(state["id"].encode(), json.dumps(state | {"new": 1}).encode())
        for state in states
    ]
    gone = consumer_record(b"not an agent's id", None)
    await StateProcessor(watch.handler, dead).process([*records, gone])
    assert dead.sent == []
