"""Assignment by hand: what speaks against it is told, and may be passed over for a reason."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from dispatch_kit import AFTERNOON, Dispatch, crew, shifts

from cst_testkit.desk import Desk, fields_of


async def give(
    city: Dispatch, request_id: str, agent: dict[str, Any], **fields: Any
) -> httpx.Response:
    body = {"agent_id": str(agent["_id"]), **fields}
    return await city.desk.post(f"/requests/{request_id}/assign", **body)


async def test_staff_give_a_request_to_whom_they_choose(city: Dispatch) -> None:
    first, second = await city.only(crew(1), crew(2))
    request_id = await city.triaged()
    version = (await city.desk.load(request_id))["version"]
    answer = await give(city, request_id, second, expected_version=version)
    assert answer.status_code == 200, answer.text
    assert answer.json()["assignment"]["assignment_policy"] == "manual"
    assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
    assert await city.holder(request_id) == second["agent_code"]
    again = await give(city, request_id, first)
    assert (again.status_code, again.json()["status"]) == (200, "assigned")
    assert await city.holder(request_id) == first["agent_code"]
    await city.pump.drain()
    loads = {a["agent_code"]: a["open_assignments"] async for a in city.db["service_agents"].find()}
    assert (loads[first["agent_code"]], loads[second["agent_code"]]) == (1, 0)
    event = (await city.desk.events(request_id))[-2]
    assert (event["type"], event["meta"]["cause"]) == ("reassigned", "manual")


async def test_what_speaks_against_it_is_named_until_there_is_a_reason(city: Dispatch) -> None:
    elsewhere = {"zone_ids": ["BX01"], "geo_fence": None}
    (agent,) = await city.only(
        crew(3, skills=["trees"], coverage=elsewhere, schedule=shifts(AFTERNOON))
    )
    request_id = await city.triaged()
    async with city.desk.untouched(request_id):
        refused = await give(city, request_id, agent)
    assert refused.status_code == 409
    assert refused.json()["objections"] == ["skill", "zone", "off_shift"]
    assert "override_reason" in refused.json()["detail"]
    answer = await give(city, request_id, agent, override_reason="Lives next door")
    assert answer.status_code == 200, answer.text
    event = next(e for e in await city.desk.events(request_id) if e["type"] == "assigned")
    assert event["meta"]["overridden"] == ["skill", "zone", "off_shift"]
    assert event["meta"]["message"] == "Lives next door"


async def test_nobody_gets_more_than_they_can_hold_whatever_the_reason(city: Dispatch) -> None:
    (agent,) = await city.only(crew(4))
    full, request_id = await city.triaged(), await city.triaged()
    assert (await give(city, full, agent)).status_code == 200
    async with city.desk.untouched(request_id):
        answer = await give(city, request_id, agent, override_reason="Please")
    assert answer.status_code == 409
    assert "is full: 1 open, capacity 1" in answer.json()["detail"]
    await city.patch(agent, active=False)
    refused = await give(city, request_id, agent, override_reason="Please")
    assert (refused.status_code, "not active" in refused.json()["detail"]) == (409, True)


async def test_what_had_begun_goes_on_with_another(city: Dispatch) -> None:
    first, second = await city.only(crew(5), crew(6))
    request_id = await city.triaged()
    assert (await give(city, request_id, first)).status_code == 200
    assert (await city.desk.api.step(request_id, "in_progress")).status_code == 200
    answer = await give(city, request_id, second)
    assert (answer.status_code, answer.json()["status"]) == (200, "in_progress")
    back = await give(city, request_id, first)
    assert (back.status_code, back.json()["objections"]) == (409, ["held_before"])
    team = await city.db["service_agents"].find_one({"kind": "team", "department": "DOT"})
    assert team is not None
    assert (await give(city, request_id, team)).status_code == 200
    assert (await city.desk.load(request_id))["status"] == "in_progress"


async def test_what_is_not_to_be_given_says_why(city: Dispatch) -> None:
    (agent,) = await city.only(crew(7, capacity=9))
    new = (await city.desk.api.file())["request_id"]
    held, master, duplicate, mine = [await city.triaged() for _ in range(4)]
    await city.desk.hold(held)
    await city.desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    assert (await give(city, mine, agent)).status_code == 200
    for request_id, why in (
        (new, "is new"),
        (held, "is held"),
        (duplicate, f"is a duplicate of {master}"),
        (mine, "is theirs already"),
    ):
        async with city.desk.untouched(request_id):
            answer = await give(city, request_id, agent)
        assert (answer.status_code, why in answer.json()["detail"]) == (409, True), answer.text
    stale = await give(city, master, agent, expected_version=1)
    assert (stale.status_code, stale.json()["current_version"]) == (
        409,
        (await city.desk.load(master))["version"],
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"agent_id": "6" * 24}, "agent_id"),
        ({"agent_id": "nobody"}, "agent_id"),
        ({}, "agent_id"),
        ({"agent_id": "6" * 24, "override_reason": ""}, "override_reason"),
        ({"agent_id": "6" * 24, "expected_version": 0}, "expected_version"),
        ({"agent_id": "6" * 24, "why": "x"}, "why"),
    ],
)
async def test_wrong_input_is_named_and_nothing_is_stored(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    request_id = await desk.reach("triaged")
    async with desk.untouched(request_id):
        answer = await desk.post(f"/requests/{request_id}/assign", **body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
