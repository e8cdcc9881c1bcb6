"""Agents over REST, and the assignment that dispatch decides on demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import cos, sin
from typing import Any

import pytest

from cst_contracts.documents import ServiceAgent
from cst_testkit.apps import Api, agent_body

Reach = Callable[..., Awaitable[str]]


def schedule(*shifts: tuple[str, str, str], timezone: str = "America/New_York") -> dict[str, Any]:
    rows = [{"day": day, "start": start, "end": end} for day, start, end in shifts]
    return {"schedule": {"timezone": timezone, "shifts": rows}}


async def test_an_agent_is_added_and_found(api: Api) -> None:
    agent = ServiceAgent.model_validate(await api.hire(name="  Ada  "))
    assert (agent.name, agent.open_assignments, agent.active) == ("Ada", 0, True)
    answer = await api.client.get(f"/agents/{agent.id}", headers=api.as_("auditor"))
    assert ServiceAgent.model_validate(answer.json()) == agent


def fence(*ring: tuple[float, float], closed: bool = True) -> dict[str, Any]:
    points = [*ring, ring[0]] if closed else [*ring]
    return {"coverage": {"geo_fence": {"type": "Polygon", "coordinates": [points]}}}


#: A triangle around the specification's example.
DOWNTOWN = ((-74.01, 40.70), (-73.99, 40.70), (-74.0, 40.72))
CIRCLE = [(-74.0 + cos(step / 200) / 100, 40.7 + sin(step / 200) / 100) for step in range(1001)]
#: What is wrong with a field, whether an agent is added or changed.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"coverage": {"zone_ids": ["ZZ99"]}}, "coverage.zone_ids"),
    ({"coverage": {"zone_ids": []}}, "coverage"),
    (fence(*DOWNTOWN, closed=False), "coverage.geo_fence.coordinates"),
    (fence(*DOWNTOWN[:2]), "coverage.geo_fence.coordinates.0"),
    (fence(*DOWNTOWN[:2], (-74.01, 40.72), (-73.99, 40.72)), "coverage.geo_fence.coordinates"),
    (fence((-74.0, 40.7), (-74.0, 40.7), (-74.0, 40.7)), "coverage.geo_fence.coordinates"),
    (fence(*CIRCLE), "coverage.geo_fence.coordinates"),
    (fence(*DOWNTOWN[:2], (-71.06, 42.36)), "coverage.geo_fence.coordinates.0.2"),
    (fence(*DOWNTOWN[:2], (-200, 42.36)), "coverage.geo_fence.coordinates.0.2.0"),
    (
        fence((-74.1, 40.50), (-74.05, 40.50), (-74.07, 40.51)),
        "coverage.geo_fence.coordinates",
    ),
    (
        {"coverage": {"geo_fence": {"type": "Polygon", "coordinates": []}}},
        "coverage.geo_fence.coordinates",
    ),
    ({"coverage": {"geo_fence": {"type": "Point", "coordinates": []}}}, "coverage.geo_fence.type"),
    ({"skills": ["juggling"]}, "skills"),
    ({"skills": []}, "skills"),
    ({"skills": ["roads", "roads"]}, "skills"),
    ({"department": "NASA"}, "department"),
    (schedule(("mon", "08:00", "16:00"), ("mon", "15:00", "23:00")), "schedule.shifts.1"),
    (schedule(("sun", "22:00", "06:00"), ("mon", "05:00", "13:00")), "schedule.shifts.1"),
    (schedule(("mon", "08:00", "08:00")), "schedule.shifts.0"),
    (schedule(("mon", "8am", "16:00")), "schedule.shifts.0.start"),
    (schedule(("mon", "08:00", "24:00")), "schedule.shifts.0.end"),
    (schedule(("noday", "08:00", "16:00")), "schedule.shifts.0.day"),
    (schedule(("mon", "08:00", "16:00"), timezone="Mars/Olympus"), "schedule.timezone"),
    ({"schedule": {"timezone": "America/New_York"}}, "body"),
    ({"schedule": {"on_call": True}}, "schedule.timezone"),
    ({"capacity": -1}, "capacity"),
    ({"capacity": 0}, "capacity"),
    ({"capacity": None}, "body"),
    ({"kind": "robot"}, "kind"),
    ({"name": ""}, "name"),
    ({"name": None}, "name"),
    ({"active": None}, "active"),
    ({"contacts": None}, "contacts"),
    ({"roles": ["king"]}, "roles.0"),
    ({"salary": 1}, "salary"),
    ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
    ({"open_assignments": 0}, "open_assignments"),
]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        *WRONG,
        ({"kind": "team"}, "body"),
        ({"agent_code": "lower case"}, "agent_code"),
    ],
)
async def test_a_wrong_field_is_named_and_nobody_is_added(
    api: Api, wrong: dict[str, Any], field: str
) -> None:
    before = await api.core.db["service_agents"].count_documents({})
    answer = await api.client.post(
        "/agents", json=agent_body(**wrong), headers=api.as_("dispatcher")
    )
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert await api.core.db["service_agents"].count_documents({}) == before


@pytest.mark.parametrize(
    ("wrong", "field"), [*WRONG, ({"kind": "team"}, "kind"), ({"agent_code": "X-1"}, "agent_code")]
)
async def test_a_wrong_change_is_named_and_nothing_is_changed(
    api: Api, wrong: dict[str, Any], field: str
) -> None:
    agent = await api.hire()
    url = f"/agents/{agent['id']}"
    changes = wrong | ({} if "name" in wrong else {"name": "Not Tess"})
    answer = await api.client.patch(url, json=changes, headers=api.as_("dispatcher"))
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert (await api.client.get(url, headers=api.as_("auditor"))).json() == agent


async def test_a_fence_in_the_city_is_kept_as_it_was_given(api: Api) -> None:
    agent = await api.hire(**fence(*DOWNTOWN))
    ring = [list(point) for point in (*DOWNTOWN, DOWNTOWN[0])]
    kept = {"type": "Polygon", "coordinates": [ring]}
    assert agent["coverage"] == {"zone_ids": [], "geo_fence": kept}


async def test_a_fence_that_crosses_itself_is_told_where(api: Api) -> None:
    body = agent_body(**fence(*DOWNTOWN[:2], (-74.01, 40.72), (-73.99, 40.72)))
    answer = await api.client.post("/agents", json=body, headers=api.as_("admin"))
    assert "crosses or touches itself at [-74, 40.71]" in answer.json()["detail"]


async def test_a_change_needs_a_role_an_agent_and_something_to_change(api: Api) -> None:
    url, change = f"/agents/{(await api.hire())['id']}", {"name": "Tom"}
    assert (await api.client.patch(url, json=change)).status_code == 401
    for role in ("citizen", "agent", "auditor"):
        answer = await api.client.patch(url, json=change, headers=api.as_(role))
        assert answer.status_code == 403
    for role in ("dispatcher", "supervisor", "admin"):
        answer = await api.client.patch(url, json=change, headers=api.as_(role))
        assert (answer.status_code, answer.json()["name"]) == (200, "Tom")
    answer = await api.client.patch(url, json={}, headers=api.as_("admin"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "body")
    nobody = f"/agents/{'0' * 24}"
    answer = await api.client.patch(nobody, json=change, headers=api.as_("admin"))
    assert answer.status_code == 404


async def test_a_team_may_take_what_lies_nowhere(api: Api) -> None:
    coverage = {"zone_ids": ["MN03", "UNKNOWN"]}
    agent = await api.hire(kind="team", capacity=None, coverage=coverage)
    assert agent["coverage"]["zone_ids"] == coverage["zone_ids"]


async def test_what_the_city_does_not_know_is_refused_with_what_it_does(api: Api) -> None:
    body = agent_body(department="NASA", skills=["juggling"], coverage={"zone_ids": ["ZZ99"]})
    answer = await api.client.post("/agents", json=body, headers=api.as_("admin"))
    allowed = {error["field"]: error["allowed"] for error in answer.json()["errors"]}
    assert "DOT" in allowed["department"]
    assert "roads" in allowed["skills"]
    assert "MN03" in allowed["coverage.zone_ids"]


async def test_a_code_is_used_once(api: Api) -> None:
    agent = await api.hire()
    body = agent_body(agent_code=agent["agent_code"])
    answer = await api.client.post("/agents", json=body, headers=api.as_("admin"))
    assert answer.status_code == 409
    assert agent["agent_code"] in answer.json()["detail"]


async def test_agents_are_listed_page_by_page(api: Api) -> None:
    await api.hire()
    query: dict[str, Any] = {"skill": "roads", "limit": 7}
    codes: list[str] = []
    while True:
        answer = await api.client.get("/agents", params=query, headers=api.as_("auditor"))
        codes += [agent["agent_code"] for agent in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            break
        query["cursor"] = answer.json()["next_cursor"]
    expected = await api.core.db["service_agents"].distinct("agent_code", {"skills": "roads"})
    assert codes == sorted(expected)


async def auto_assign(api: Api, request_id: str) -> tuple[int, dict[str, Any]]:
    answer = await api.client.post(
        f"/requests/{request_id}/auto-assign", headers=api.as_("dispatcher")
    )
    return answer.status_code, answer.json()


async def test_the_decision_names_candidates_and_exclusions(api: Api, reach: Reach) -> None:
    request_id = await reach("triaged")
    status, decision = await auto_assign(api, request_id)
    assert status == 200
    assert decision["outcome"] == "assigned"
    assert decision["agent_id"] == decision["candidates"][0]["agent_id"]
    assert decision["excluded"]["zone"] > 0
    stored = await api.core.db["service_requests"].find_one({"request_id": request_id})
    assert stored is not None
    assert stored["status"] == "assigned"
    assert str(stored["assignment"]["assigned_agent_id"]) == decision["agent_id"]
    kept = stored["assignment"]["auto_assign_candidate_agents"]
    assert [str(oid) for oid in kept] == [c["agent_id"] for c in decision["candidates"]]


async def test_only_triaged_requests_are_assigned(api: Api, reach: Reach) -> None:
    status, body = await auto_assign(api, (await api.file())["request_id"])
    assert (status, body["current_state"]) == (409, "new")
    request_id = await reach("triaged")
    await auto_assign(api, request_id)
    status, body = await auto_assign(api, request_id)
    assert (status, body["current_state"]) == (409, "assigned")
    assert (await auto_assign(api, "CST-1999-0001"))[0] == 404


async def test_where_nobody_fits_it_waits_and_says_why(api: Api, reach: Reach) -> None:
    agents = api.core.db["service_agents"]
    await agents.update_many({"skills": "roads"}, {"$set": {"active": False}})
    try:
        request_id = await reach("triaged")
        status, decision = await auto_assign(api, request_id)
        assert (status, decision["outcome"], decision["agent_id"]) == (200, "deferred", None)
        assert decision["next_try_at"] is not None
        await auto_assign(api, request_id)
    finally:
        await agents.update_many({"skills": "roads"}, {"$set": {"active": True}})
    events = await api.client.get(f"/requests/{request_id}/events", headers=api.as_("auditor"))
    types = [event["type"] for event in events.json()["events"]]
    assert types == ["created", "triaged", "assignment_deferred"], "it is said once only"
    status, decision = await auto_assign(api, request_id)
    assert decision["outcome"] == "assigned"
    assert await api.core.db["dispatch_queue"].find_one({"_id": request_id}) is None
