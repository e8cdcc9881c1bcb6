"""What duplicates do at every committed example of their master's steps."""

import pytest
from contract_kit import Delivery, deliver_and_take, deliveries
from seeding import seed

from cst_city.store import AGENTS
from cst_ledger.events import NewEvent
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_testkit.factories import SYSTEM, created_event, request_state

FOLLOWING = [item for item in deliveries("workflow") if item.consumer == "workflow.duplicates"]
DUPLICATE = "CST-2026-9001"


async def _linked(core: Core, master_id: str, category: str) -> None:
    """Give the example's request a duplicate that has not followed yet, and an assignee."""
    link = {
        "is_master": False,
        "master_request_id": master_id,
        "linked_duplicates": [],
        "linked_at": core.clock.now(),
    }
    first = created_event(category=category, duplicates=request_state()["duplicates"] | link)
    agent = await core.db[AGENTS.name].find_one({"kind": "person", "active": True})
    assert agent is not None
    ledger = core.ledger("test")

    async def write(session: Session) -> None:
        await ledger.create(DUPLICATE, first, session)
        meta = {"role": "master", "other_request_id": DUPLICATE, "how": "manual"}
        changes = {"duplicates.linked_duplicates": [DUPLICATE]}
        event = NewEvent("duplicate_linked", SYSTEM, changes=changes, meta=meta)
        await ledger.append(await ledger.load(master_id, session), [event], session)

    await transact(core.db, write)
    standing = {"assignment.assigned_agent_id": agent["_id"], "resolution_code": "fixed"}
    await core.db["service_requests"].update_one({"request_id": master_id}, {"$set": standing})


@pytest.mark.parametrize("delivery", FOLLOWING, ids=str)
async def test_a_duplicate_goes_where_its_master_is(core: Core, delivery: Delivery) -> None:
    master = await seed(core, delivery.seed)
    await _linked(core, master["request_id"], master["category"])
    await deliver_and_take(core, delivery)
    duplicate = await core.ledger("test").load(DUPLICATE)
    assert duplicate["status"] == master["status"]


@pytest.mark.parametrize("delivery", FOLLOWING, ids=str)
async def test_without_duplicates_nothing_happens(core: Core, delivery: Delivery) -> None:
    before = await seed(core, delivery.seed)
    await deliver_and_take(core, delivery)
    assert await core.ledger("test").load(before["request_id"]) == before
