"""Who leaves hands over: nothing is without an assignee, and no status changes."""

from __future__ import annotations

import asyncio

from bson import ObjectId
from dispatch_kit import Dispatch, crew

from app.registry import WORKERS
from cst_dispatch.handover import Handover


async def work_of(city: Dispatch, agent: dict[str, object]) -> dict[str, str]:
    """Give somebody work in each state that takes capacity; return the statuses by id."""
    ids = [await city.triaged() for _ in range(3)]
    for request_id in ids:
        body = {"agent_id": str(agent["_id"])}
        answer = await city.desk.post(f"/requests/{request_id}/assign", **body)
        assert answer.status_code == 200, answer.text
    assert (await city.desk.api.step(ids[1], "in_progress")).status_code == 200
    await city.desk.hold(ids[2])
    return {request_id: (await city.desk.load(request_id))["status"] for request_id in ids}


async def assert_passed_on(
    city: Dispatch, statuses: dict[str, str], by: dict[str, object], to: dict[str, int]
) -> None:
    """Check that all of it has other holders now, and is as far as it was."""
    found: dict[str, int] = {}
    for request_id, status in statuses.items():
        document = await city.desk.load(request_id)
        assert document["status"] == status
        assert document["assignment"]["past_agent_ids"] == [by["_id"]]
        holder = await city.holder(request_id)
        assert holder is not None
        found[holder] = found.get(holder, 0) + 1
        event = next(e for e in await city.desk.events(request_id) if e["type"] == "reassigned")
        assert event["meta"]["cause"] == "deactivated"
    assert found == to
    after = await city.db["service_agents"].find_one({"_id": by["_id"]})
    assert after is not None
    assert (after["active"], after["open_assignments"]) == (False, 0)


async def test_a_deactivated_agents_work_goes_to_others_and_then_to_the_team(
    city: Dispatch,
) -> None:
    leaving, one, two = await city.only(crew(1, capacity=3), crew(2), crew(3))
    statuses = await work_of(city, leaving)
    await city.patch(leaving, active=False)
    team = await city.db["service_agents"].find_one({"kind": "team", "department": "DOT"})
    assert team is not None
    to = {one["agent_code"]: 1, two["agent_code"]: 1, team["agent_code"]: 1}
    await assert_passed_on(city, statuses, leaving, to)


async def test_what_an_end_in_the_middle_left_is_handed_over_by_the_worker(city: Dispatch) -> None:
    leaving, one = await city.only(crew(4, capacity=3), crew(5, capacity=3))
    statuses = await work_of(city, leaving)
    # As if the process had died between the commit and the handover.
    await city.db["service_agents"].update_one(
        {"_id": leaving["_id"]}, {"$set": {"active": False, "roster_number": 10_000}}
    )
    (watch,) = WORKERS["dispatch"].build(city.core).watches
    for _ in range(2):
        await watch.handler.changed([str(leaving["_id"])])
        await assert_passed_on(city, statuses, leaving, {one["agent_code"]: 3})


async def test_two_that_hand_over_at_once_pass_each_on_once(city: Dispatch) -> None:
    crews = [crew(number, capacity=3) for number in range(10, 16)]
    leaving, *_ = await city.only(*crews)
    statuses = await work_of(city, leaving)
    await city.db["service_agents"].update_one(
        {"_id": leaving["_id"]}, {"$set": {"active": False, "roster_number": 10_000}}
    )
    await asyncio.gather(*(Handover(city.core).pass_on_all(leaving["_id"]) for _ in range(4)))
    for request_id in statuses:
        assert (await city.desk.types(request_id)).count("reassigned") == 1


async def test_a_state_of_nobody_changes_nothing(city: Dispatch) -> None:
    (watch,) = WORKERS["dispatch"].build(city.core).watches
    await watch.handler.changed([str(ObjectId()), "", "no id", "\ufffd"])


async def test_a_team_hands_over_to_the_other_team(city: Dispatch) -> None:
    request_id = await city.triaged()
    team = await city.db["service_agents"].find_one({"kind": "team", "department": "DOT"})
    assert team is not None
    body = {
        "agent_code": "DOT-SECOND",
        "kind": "team",
        "name": "Second team",
        "department": "DOT",
        "skills": ["roads"],
        "coverage": {"zone_ids": ["MN03"]},
        "schedule": {"timezone": "America/New_York"},
    }
    assert (await city.desk.post("/agents", "admin", **body)).status_code == 201
    assert (
        await city.desk.post(f"/requests/{request_id}/assign", agent_id=str(team["_id"]))
    ).status_code == 200
    await city.patch(team, active=False)
    assert await city.holder(request_id) == "DOT-SECOND"
