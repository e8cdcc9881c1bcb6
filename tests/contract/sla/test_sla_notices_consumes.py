"""SLA's inbox reads every committed example of what it subscribes to."""

from __future__ import annotations

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_inbox import Inbox, Notice
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core

OURS = [delivery for delivery in deliveries("sla") if delivery.consumer == "sla.notices"]


@pytest.mark.parametrize("delivery", OURS, ids=str)
async def test_notices_follow_the_request(core: Core, delivery: Delivery) -> None:
    request = await seed(core, delivery.seed)
    notice = Notice(request["request_id"], "escalation", "on_call", "Look", 0)
    as_it_was = request | {"category": "graffiti"}

    async def post(session: Session) -> None:
        await Inbox(core.db).post(notice, as_it_was, core.clock.now(), session)

    await transact(core.db, post)
    await deliver_and_take(core, delivery)
    found = await core.db["notices"].find_one({"_id": notice.notice_id})
    assert found is not None
    if request["status"] in ("resolved", "closed"):
        assert (found["open"], found["closed_because"]) == (False, "request ended")
    else:
        assert (found["open"], found["category"]) == (True, request["category"])
