"""Dispatch's routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

AUTO = "/requests/{request_id}/auto-assign"
GIVE = "/requests/{request_id}/assign"
AGENT = {
    "agent_code": "DOT-901",
    "name": "Ana Ortiz",
    "department": "DOT",
    "skills": ["roads"],
    "coverage": {"zone_ids": ["MN01"]},
    "schedule": {
        "timezone": "America/New_York",
        "shifts": [{"day": "tue", "start": "08:00", "end": "16:00"}],
    },
    "capacity": 4,
}
CALLS = [
    Call("POST", AUTO, 409, ("dispatcher",)),
    Call("POST", AUTO, 401),
    Call("POST", AUTO, 403, ("auditor",)),
    Call("POST", AUTO, 404, ("dispatcher",), fill={"request_id": "CST-2001-0001"}),
    Call("POST", "/agents", 201, ("admin",), AGENT),
    Call("POST", "/agents", 409, ("admin",), AGENT),
    Call("POST", "/agents", 422, ("admin",), AGENT | {"skills": ["dragons"]}),
    Call("POST", "/agents", 403, ("citizen",), AGENT),
    Call("GET", "/agents", 200, ("auditor",), query={"skill": "roads", "limit": 3}),
    Call("GET", "/agents", 422, ("auditor",), query={"limit": 0}),
    Call("GET", "/agents", 401),
    Call("GET", "/agents/{agent_id}", 404, ("auditor",), fill={"agent_id": "6" * 24}),
    Call("POST", AUTO, 409, ("dispatcher",), query={"dry_run": True}),
    Call("POST", GIVE, 422, ("dispatcher",), {"agent_id": "6" * 24, "who": "me"}),
    Call("POST", GIVE, 409, ("dispatcher",), {"agent_id": "6" * 24}),
    Call("POST", GIVE, 403, ("auditor",), {"agent_id": "6" * 24}),
    Call("GET", "/dispatch/queue", 200, ("auditor",), query={"priority": "P1"}),
    Call("GET", "/dispatch/queue", 422, ("auditor",), query={"zone_id": "nowhere"}),
    Call("GET", "/dispatch/queue", 401),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    await call.send(api, request_id=filed["request_id"])


async def test_an_agent_and_an_assignment_are_documented(api: Api) -> None:
    person = await api.core.db["service_agents"].find_one({"kind": "person"})
    assert person is not None
    await Call("GET", "/agents/{agent_id}", 200, ("admin",)).send(api, agent_id=str(person["_id"]))
    filed = await api.file()
    await api.step(filed["request_id"], "triaged")
    answer = await Call("POST", AUTO, 200, ("admin",)).send(api, request_id=filed["request_id"])
    assert answer.json()["outcome"] == "assigned"
