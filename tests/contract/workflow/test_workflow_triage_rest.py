"""Routes of triage, corrections, crews and reporters answer as the OpenAPI document says."""

from __future__ import annotations

from typing import Any

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

PLACE = {"type": "Point", "coordinates": [-73.99, 40.72]}
CHIEF, DESK = ("supervisor",), ("dispatcher",)
ABSENT = {"request_id": "CST-2001-0001"}


def act(what: str, status: int, roles: tuple[str, ...], body: Any, **more: Any) -> Call:
    return Call("POST", f"/requests/{{request_id}}/{what}", status, roles, body, **more)


CATEGORY = {"category": "graffiti", "reason": "A tag"}
PRIORITY = {"priority": "P2", "reason": "A school"}
LOCATION = {"location": PLACE, "reason": "Around the corner"}
ESCALATE = {"action": "notify:supervisor", "reason": "Third call"}
SETTLE = {"outcome": "refused", "reason": "Done"}
JUDGE = {"decision": "confirm", "reason": "Seen"}
CALLS = [
    *(
        call
        for what, body in (("category", CATEGORY), ("priority", PRIORITY), ("location", LOCATION))
        for call in (
            act(what, 200, CHIEF, body),
            act(what, 401, (), body),
            act(what, 403, ("citizen",), body),
            act(what, 404, CHIEF, body, fill=ABSENT),
            act(what, 409, CHIEF, body | {"expected_version": 9}),
            act(what, 422, CHIEF, {}),
        )
    ),
    act("escalate", 200, DESK, ESCALATE),
    act("escalate", 401, (), ESCALATE),
    act("escalate", 403, ("agent",), ESCALATE),
    act("escalate", 422, DESK, {"action": "promote", "reason": "x"}),
    act("danger", 403, DESK, JUDGE),
    act("danger", 409, CHIEF, JUDGE),
    act("danger", 422, CHIEF, {"decision": "perhaps", "reason": "x"}),
    act("dispute/settle", 403, DESK, SETTLE),
    act("dispute/settle", 409, CHIEF, SETTLE),
    act("dispute/settle", 422, CHIEF, {}),
    act("withdraw", 403, (), {}),
    act("withdraw", 404, (), {}, fill=ABSENT),
    act("withdraw", 422, (), {"why": "x"}),
    Call("GET", "/triage/queue", 200, DESK),
    Call("GET", "/triage/queue", 401),
    Call("GET", "/triage/queue", 403, ("auditor",)),
    Call("GET", "/triage/queue", 422, DESK, query={"cursor": "x"}),
    Call("GET", "/inbox", 200, ("auditor",), query={"role": "on_call", "open": True}),
    Call("GET", "/inbox", 401),
    Call("GET", "/inbox", 422, DESK, query={"department": "FAIRIES"}),
    Call(
        "POST", "/inbox/{notice_id}/acknowledge", 404, DESK, fill={"notice_id": "CST-1999-0001.0"}
    ),
    Call("POST", "/inbox/{notice_id}/acknowledge", 401, fill={"notice_id": "x"}),
    Call("POST", "/requests/on-the-spot", 401, (), {}),
    Call("POST", "/requests/on-the-spot", 403, ("citizen",), {}),
    Call("POST", "/requests/on-the-spot", 422, DESK, {}),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    await call.send(api, request_id=filed["request_id"])


async def test_what_they_make_is_documented(api: Api) -> None:
    agent = await api.core.db["service_agents"].find_one({"agent_code": "DOT-TEAM"})
    assert agent is not None
    body = {
        "category": "pothole",
        "description": "A hole",
        "location": PLACE,
        "resolution_code": "fixed",
        "note": "Patched",
        "assigned_agent_id": str(agent["_id"]),
    }
    key = {"Idempotency-Key": "documented"}
    for status in (201, 200):
        await Call("POST", "/requests/on-the-spot", status, DESK, body, headers=key).send(api)
    for steps, status in (((), 200), (("triaged", "assigned"), 202)):
        filed = await api.file()
        for step in steps:
            fields = {"assigned_agent_id": str(agent["_id"])} if step == "assigned" else {}
            await api.step(filed["request_id"], step, **fields)
        follow = {"follow": filed["follow_url"].partition("follow=")[2]}
        await act("withdraw", status, (), {}, query=follow).send(
            api, request_id=filed["request_id"]
        )
    open_ones = {"open": True, "role": "dispatcher"}
    inbox = await api.client.get("/inbox", params=open_ones, headers=api.as_("admin"))
    notice = next(item for item in inbox.json()["items"] if item["kind"] == "withdrawal")
    path = "/inbox/{notice_id}/acknowledge"
    for status in (200, 409):
        await Call("POST", path, status, DESK).send(api, notice_id=notice["notice_id"])
