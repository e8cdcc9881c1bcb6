"""What a dispute leads to: reopening where the rules can, else a supervisor is asked."""

from __future__ import annotations

from bson import ObjectId
from ratings_kit import Filed, Office

from cst_ledger.events import NewEvent
from cst_ledger.verify import verify_one
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump


async def dispute(office: Office, filed: Filed) -> None:
    answer = await office.rate(filed, rating=1, reason_codes=["not_fixed"], dispute_flag=True)
    assert answer.status_code == 201, answer.text
    assert answer.json()["disputed"] is True


async def test_in_v1_0_a_supervisor_is_asked_before_closing(office: Office, pump: Pump) -> None:
    filed = await office.done()
    await dispute(office, filed)
    disputed = await office.load(filed.request_id)
    assert disputed["dispute"]["reason_codes"] == ["not_fixed"]
    await pump.drain()
    after = await office.load(filed.request_id)
    assert after["status"] == "resolved"
    assert after["dispute"] == disputed["dispute"]
    (notice,) = await office.notices(filed.request_id)
    assert notice["roles"] == ["supervisor"]
    assert "not_fixed" in notice["reason"]
    assert (await office.api.step(filed.request_id, "closed")).status_code == 409
    assert (await verify_one(office.api.core.db, filed.request_id)).ok


async def test_in_v1_1_the_work_goes_on_by_itself(office: Office, pump: Pump) -> None:
    filed = await office.done(rules="v1.1", category="street_light")
    before = await office.load(filed.request_id)
    await dispute(office, filed)
    await pump.drain()
    after = await office.load(filed.request_id)
    assert (after["status"], after["dispute"]) == ("in_progress", None)
    assert after["timestamps"]["resolved_at"] is None
    assert after["assignment"]["assigned_agent_id"] == before["assignment"]["assigned_agent_id"]
    types = [event["type"] for event in await office.events(filed.request_id)]
    assert types[-5:] == ["rated", "disputed", "dispute_settled", "agent_reserved", "in_progress"]
    agents = office.api.core.db["service_agents"]
    agent = await agents.find_one({"_id": after["assignment"]["assigned_agent_id"]})
    assert agent is not None
    assert agent["open_assignments"] == 1
    assert await office.notices(filed.request_id) == []
    assert (await verify_one(office.api.core.db, filed.request_id)).ok


async def test_reopened_work_of_an_agent_who_is_gone_goes_to_the_team(
    office: Office, pump: Pump
) -> None:
    filed = await office.done(rules="v1.1", category="street_light")
    holder = (await office.load(filed.request_id))["assignment"]["assigned_agent_id"]
    agents = office.api.core.db["service_agents"]
    await agents.update_one({"_id": holder}, {"$set": {"active": False}})
    await dispute(office, filed)
    await pump.drain()
    after = await office.load(filed.request_id)
    team = await agents.find_one({"_id": after["assignment"]["assigned_agent_id"]})
    assert team is not None
    assert (after["status"], team["kind"]) == ("in_progress", "team")


async def test_where_nobody_can_take_it_up_a_supervisor_is_asked(
    office: Office, pump: Pump
) -> None:
    filed = await office.done(rules="v1.1", category="street_light")
    holder = (await office.load(filed.request_id))["assignment"]["assigned_agent_id"]
    agents = office.api.core.db["service_agents"]
    away = {"$or": [{"_id": holder}, {"kind": "team", "active": True}]}
    gone = [row["_id"] async for row in agents.find(away, {"_id": 1})]
    await agents.update_many({"_id": {"$in": gone}}, {"$set": {"active": False}})
    await dispute(office, filed)
    await pump.drain()
    await agents.update_many({"_id": {"$in": gone}}, {"$set": {"active": True}})
    after = await office.load(filed.request_id)
    assert after["status"] == "resolved"
    assert after["dispute"] is not None
    (notice,) = await office.notices(filed.request_id)
    assert "nobody has room" in notice["reason"]


async def test_after_closing_a_supervisor_is_asked_under_any_rules(
    office: Office, pump: Pump
) -> None:
    for rules in ("v1.0", "v1.1"):
        filed = await office.done("closed", rules=rules, category="street_light")
        await dispute(office, filed)
        await pump.drain()
        after = await office.load(filed.request_id)
        assert after["status"] == "closed"
        assert after["dispute"] is not None
        (notice,) = await office.notices(filed.request_id)
        assert "closed" in notice["reason"]


async def test_a_duplicates_dispute_goes_to_its_master(office: Office, pump: Pump) -> None:
    master, first, second = [await office.file(ObjectId(), category="street_light") for _ in "123"]
    headers = office.api.as_("dispatcher")
    for duplicate in (first, second):
        url = f"/requests/{duplicate.request_id}/merge"
        body = {"master_request_id": master.request_id}
        answer = await office.api.client.post(url, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    await office.bring(master.request_id, "resolved")
    await pump.drain()
    assert (await office.load(first.request_id))["status"] == "resolved"
    await dispute(office, first)
    assert (await office.load(first.request_id))["dispute"] is None
    assert (await office.load(master.request_id))["dispute"] is not None
    assert (await office.feedback(first.request_id))["dispute_flag"] is True
    assert await office.feedback(master.request_id) is None, "its own citizen has not rated yet"
    answer = await office.rate(second, rating=2, dispute_flag=True)
    assert answer.json()["disputed"] is False, "it is disputed already"
    await pump.drain()
    assert len(await office.notices(master.request_id)) == 1
    for filed in (master, first, second):
        assert (await verify_one(office.api.core.db, filed.request_id)).ok


async def test_a_dispute_that_was_settled_meanwhile_is_left_alone(
    office: Office, pump: Pump
) -> None:
    filed = await office.done()
    await dispute(office, filed)
    settled = NewEvent(
        "dispute_settled", SYSTEM, changes={"dispute": None}, meta={"outcome": "refused"}
    )
    await office.api.core.ledger("workflow").record(filed.request_id, lambda _: [settled])
    await pump.drain()
    assert await office.notices(filed.request_id) == []
    assert (await office.load(filed.request_id))["dispute"] is None
