"""SLA reads every committed example of what it subscribes to."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_ledger.events import Document
from cst_process.core import Core

CLOCKS = [each for each in deliveries("sla") if each.consumer == "sla.clocks"]


@pytest.mark.parametrize("delivery", CLOCKS, ids=str)
async def test_clock_and_kpis_follow_the_request(core: Core, delivery: Delivery) -> None:
    request = await seed(core, delivery.seed)
    await deliver_and_take(core, delivery)
    clock = await core.db["sla_clocks"].find_one({"_id": request["request_id"]})
    log = await core.db["performance_logs"].find_one({"request_id": request["_id"]})
    assert log is not None
    assert (clock is None) is (request["sla_policy"] is None)
    if clock is not None:
        assert clock["due_at"] == request["due_at"]
        assert clock["stopped_at"] == request["timestamps"]["resolved_at"]
    assert log["computed_kpis"]["sla_state"] == _state(request)
    fact = await core.db["kpi_facts"].find_one({"_id": request["request_id"]})
    assert fact is not None
    assert (fact["status"], fact["sla_state"]) == (request["status"], _state(request))


def _state(request: Document) -> str:
    resolved_at = request["timestamps"]["resolved_at"]
    if request["sla_policy"] is None:
        return "none"
    if resolved_at is None:
        return "on_track"
    return "met" if resolved_at <= request["due_at"] else "missed"
