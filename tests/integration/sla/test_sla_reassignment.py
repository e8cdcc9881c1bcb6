"""`reassign` and `assign_supervisor`, from a step or from staff: who has the work afterwards."""

from __future__ import annotations

from typing import Any

from bson import ObjectId

from cst_testkit.desk import Desk
from cst_testkit.pump import Pump


async def escalate(desk: Desk, request_id: str, action: str) -> None:
    """Ask for more attention, and let dispatch hear of it."""
    body = {"action": action, "reason": "Nobody has come"}
    answer = await desk.post(f"/requests/{request_id}/escalate", "supervisor", **body)
    assert answer.status_code == 200, answer.text
    await Pump(desk.api.core, ["dispatch"]).drain()


async def holder(desk: Desk, request_id: str) -> dict[str, Any]:
    agent_id = (await desk.load(request_id))["assignment"]["assigned_agent_id"]
    found = await desk.api.core.db["service_agents"].find_one({"_id": agent_id})
    assert found is not None
    return found


async def only(desk: Desk, *agents: dict[str, Any]) -> None:
    """Leave only some persons active; teams stay."""
    ids = [ObjectId(agent["id"]) for agent in agents]
    others = {"kind": "person", "_id": {"$nin": ids}}
    await desk.api.core.db["service_agents"].update_many(others, {"$set": {"active": False}})


async def test_work_goes_from_one_to_the_next_and_never_back(desk: Desk) -> None:
    first, second = [await desk.hire() for _ in range(2)]
    request_id = await desk.reach("assigned", first)
    await only(desk, first, second)
    # Both are on shift all week, so that nothing but who had it decides.
    shifts = [{"day": day, "start": "00:00", "end": "23:59"} for day in ("mon", "tue", "wed")]
    await desk.api.core.db["service_agents"].update_many({}, {"$set": {"schedule.shifts": shifts}})
    await escalate(desk, request_id, "reassign")
    assert (await holder(desk, request_id))["agent_code"] == second["agent_code"]
    assert (await desk.load_of(first), await desk.load_of(second)) == (0, 1)
    event = next(e for e in await desk.events(request_id) if e["type"] == "reassigned")
    assert event["meta"]["excluded"]["held_before"] == 1
    await escalate(desk, request_id, "reassign")
    team = await holder(desk, request_id)
    assert (team["kind"], team["department"]) == ("team", "DOT")
    assert await desk.load_of(second) == 0
    document = await desk.load(request_id)
    assert document["assignment"]["past_agent_ids"] == [
        ObjectId(first["id"]),
        ObjectId(second["id"]),
    ]
    assert document["status"] == "assigned"
    await escalate(desk, request_id, "reassign")
    assert (await holder(desk, request_id))["_id"] == team["_id"]


async def test_a_supervisor_of_the_department_takes_over(desk: Desk) -> None:
    agent = await desk.hire()
    chief = await desk.hire(roles=["agent", "supervisor"], skills=["street_lighting"])
    await only(desk, agent, chief)
    request_id = await desk.reach("assigned", agent)
    await escalate(desk, request_id, "assign_supervisor")
    assert (await holder(desk, request_id))["agent_code"] == chief["agent_code"]
    document = await desk.load(request_id)
    assert document["assignment"]["assignment_policy"] == "supervisor"
    notice = await desk.api.core.db["notices"].find_one({"request_id": request_id})
    assert notice is not None
    assert notice["roles"] == ["supervisor"]


async def test_work_that_has_begun_or_is_held_stays_where_it_is(desk: Desk) -> None:
    agent, other = [await desk.hire() for _ in range(2)]
    await only(desk, agent, other)
    begun, held = await desk.reach("in_progress", agent), await desk.reach("assigned", agent)
    waiting = await desk.reach("triaged")
    await desk.hold(held)
    for request_id in (begun, held, waiting):
        await escalate(desk, request_id, "reassign")
        assert "reassigned" not in await desk.types(request_id)
    assert await desk.load_of(agent) == 2
