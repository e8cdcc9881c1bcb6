"""Leave of agents over REST."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from cst_contracts.documents import ServiceAgent
from cst_testkit.apps import Api

NOBODY = "0" * 24


async def hire(api: Api) -> str:
    return str((await api.hire())["id"])


def days(api: Api, start: float, end: float) -> dict[str, str]:
    """Return an interval, in days from now."""
    now = api.core.clock.now()
    return {
        "starts_at": (now + timedelta(days=start)).isoformat(),
        "ends_at": (now + timedelta(days=end)).isoformat(),
    }


async def rest(api: Api, agent_id: str, *roles: str, **body: Any) -> httpx.Response:
    headers = api.as_(*(roles or ("dispatcher",)))
    return await api.client.post(f"/agents/{agent_id}/leave", json=body, headers=headers)


async def leave_of(api: Api, agent_id: str) -> list[Any]:
    agent = await api.core.db["service_agents"].find_one({"_id": ObjectId(agent_id)})
    assert agent is not None
    leave: list[Any] = agent["leave"]
    return leave


async def test_leave_is_added_in_order_and_taken_back(api: Api) -> None:
    agent_id = await hire(api)
    course = days(api, 10, 12)
    assert (await rest(api, agent_id, **course, reason="Course")).status_code == 201
    before_it = days(api, 1, 10) | {"ends_at": course["starts_at"]}
    answer = await rest(api, agent_id, **before_it)
    agent = ServiceAgent.model_validate(answer.json())
    assert [entry.reason for entry in agent.leave] == [None, "Course"], "one may follow another"
    where = answer.headers["location"]
    assert where == f"/agents/{agent_id}/leave/{agent.leave[0].leave_id}"
    number, headers = await number_of(api, agent_id), api.as_("supervisor")
    assert (await api.client.delete(where, headers=headers)).status_code == 204
    assert (await api.client.delete(where, headers=headers)).status_code == 404
    assert await number_of(api, agent_id) == number + 1, "the roster hears of it, once"
    assert [entry["reason"] for entry in await leave_of(api, agent_id)] == ["Course"]


async def number_of(api: Api, agent_id: str) -> int:
    agent = await api.core.db["service_agents"].find_one({"_id": ObjectId(agent_id)})
    assert agent is not None
    number: int = agent["roster_number"]
    return number


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (3, 2, "ends_at"),
        (3, 3, "ends_at"),
        (-3, -1, "ends_at"),
        (7, 739, "ends_at"),
        (5.5, 7, "starts_at"),
        (4, 20, "starts_at"),
        (5, 6, "starts_at"),
    ],
)
async def test_a_wrong_interval_is_named(api: Api, start: float, end: float, field: str) -> None:
    agent_id = await hire(api)
    assert (await rest(api, agent_id, **days(api, 5, 6))).status_code == 201
    wrong = days(api, start, end)
    answer = await rest(api, agent_id, **wrong)
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert datetime.fromisoformat(error["value"]) == datetime.fromisoformat(wrong[field])
    assert len(await leave_of(api, agent_id)) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"starts_at": "2026-03-04T00:00:00"}, "starts_at"),
        ({"ends_at": "9999-12-31T23:59:59-10:00"}, "ends_at"),
        ({"ends_at": None}, "ends_at"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 201}, "reason"),
        ({"note": "x"}, "note"),
    ],
)
async def test_what_is_no_leave_is_named(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await rest(api, agent_id := await hire(api), **days(api, 1, 2) | change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert await leave_of(api, agent_id) == []


async def test_there_are_at_most_fifty_that_have_not_ended(api: Api) -> None:
    agent_id = await hire(api)
    for day in range(50):
        assert (await rest(api, agent_id, **days(api, day + 0.1, day + 0.9))).status_code == 201
    [error] = (await rest(api, agent_id, **days(api, 60, 61))).json()["errors"]
    assert (error["field"], error["value"]) == ("leave", 50)


async def test_what_ended_long_ago_is_dropped(api: Api) -> None:
    agent_id, now = await hire(api), api.core.clock.now()
    old = [
        {
            "leave_id": str(days_ago),
            "starts_at": now - timedelta(days=days_ago + 1),
            "ends_at": now - timedelta(days=days_ago),
            "reason": None,
        }
        for days_ago in (31, 29)
    ]
    who = {"_id": ObjectId(agent_id)}
    await api.core.db["service_agents"].update_one(who, {"$set": {"leave": old}})
    answer = await rest(api, agent_id, **days(api, 1, 2))
    assert [entry["leave_id"] for entry in answer.json()["leave"]][:-1] == ["29"]


async def test_teams_have_no_leave(api: Api) -> None:
    team = await api.core.db["service_agents"].find_one({"kind": "team"})
    assert team is not None
    answer = await rest(api, str(team["_id"]), **days(api, 1, 2))
    [error] = answer.json()["errors"]
    assert (error["field"], error["value"], error["allowed"]) == ("kind", "team", ["person"])


async def test_who_is_not_there_has_no_leave(api: Api) -> None:
    assert (await rest(api, NOBODY, **days(api, 1, 2))).status_code == 404
    for path in (f"/agents/{NOBODY}/leave/x", f"/agents/{await hire(api)}/leave/x"):
        answer = await api.client.delete(path, headers=api.as_("admin"))
        assert answer.status_code == 404


async def test_only_who_dispatches_may(api: Api) -> None:
    path = f"/agents/{await hire(api)}/leave"
    for roles, status in (((), 401), (("agent",), 403), (("auditor",), 403)):
        headers = api.as_(*roles) if roles else {}
        answer = await api.client.post(path, json=days(api, 1, 2), headers=headers)
        assert answer.status_code == status
        assert (await api.client.delete(f"{path}/x", headers=headers)).status_code == status
