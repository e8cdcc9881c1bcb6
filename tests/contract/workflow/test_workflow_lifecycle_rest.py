"""Routes of bulk steps, holds, rules and actors answer as the OpenAPI document says."""

from __future__ import annotations

from typing import Any

import pytest
from rest_kit import Call

from cst_ledger.rules import shipped_rules
from cst_testkit.apps import Api

BULK, RULES = "/requests/transitions", "/workflow-rules"
HOLD, RESUME = "/requests/{request_id}/hold", "/requests/{request_id}/resume"
VERSION, ADOPT = "/workflow-rules/{version}", "/workflow-rules/{version}/adopt"
ACTOR = "/actors/{actor_type}/{actor_id}/events"
WAIT: dict[str, Any] = {"reason": "weather", "until": "2026-03-20T12:00:00Z"}
NEW = shipped_rules()[1] | {"version": "v4.0"}
V1, V9 = {"version": "v1.1"}, {"version": "v9.9"}
CLERK = {"actor_type": "staff", "actor_id": "tester"}
NOBODY = {"request_id": "CST-2001-0001"}
STEP = [{"request_id": "CST-2001-0001", "to": "triaged"}]
CALLS = [
    Call("POST", BULK, 200, ("dispatcher",), {"items": STEP}),
    Call("POST", BULK, 401, (), {"items": STEP}),
    Call("POST", BULK, 403, ("citizen",), {"items": STEP}),
    Call("POST", BULK, 422, ("dispatcher",), {"items": STEP * 2}),
    Call("POST", BULK, 422, ("dispatcher",), {"items": []}),
    Call("POST", HOLD, 200, ("dispatcher",), WAIT),
    Call("POST", HOLD, 401, (), WAIT),
    Call("POST", HOLD, 403, ("auditor",), WAIT),
    Call("POST", HOLD, 404, ("dispatcher",), WAIT, fill=NOBODY),
    Call("POST", HOLD, 409, ("dispatcher",), WAIT | {"expected_version": 9}),
    Call("POST", HOLD, 422, ("dispatcher",), WAIT | {"reason": "lunch"}),
    Call("POST", RESUME, 409, ("dispatcher",), {}),
    Call("POST", RESUME, 401, (), {}),
    Call("POST", RESUME, 404, ("supervisor",), {}, fill=NOBODY),
    Call("POST", RESUME, 422, ("dispatcher",), {"note": ""}),
    Call("GET", VERSION, 200, ("auditor",), fill=V1),
    Call("GET", VERSION, 404, ("auditor",), fill=V9),
    Call("GET", VERSION, 422, ("auditor",), fill={"version": "latest"}),
    Call("POST", RULES, 401, (), NEW),
    Call("POST", RULES, 403, ("supervisor",), NEW),
    Call("POST", RULES, 201, ("admin",), NEW),
    Call("POST", RULES, 409, ("admin",), NEW),
    Call("POST", RULES, 422, ("admin",), NEW | {"edges": [{"from": "new", "to": "new"}]}),
    Call("POST", ADOPT, 200, ("admin",), {}, fill=V1),
    Call("POST", ADOPT, 403, ("supervisor",), {}, fill=V1),
    Call("POST", ADOPT, 404, ("admin",), {}, fill=V9),
    Call("POST", ADOPT, 422, ("admin",), {"from_version": "v9.9"}, fill=V1),
    Call("GET", ACTOR, 200, ("auditor",), fill=CLERK),
    Call("GET", ACTOR, 401, fill=CLERK),
    Call("GET", ACTOR, 403, ("dispatcher",), fill=CLERK),
    Call("GET", ACTOR, 422, ("admin",), fill=CLERK, query={"cursor": "first"}),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    await call.send(api, request_id=filed["request_id"])


async def test_what_was_held_is_resumed(api: Api) -> None:
    filed = await api.file()
    await Call("POST", HOLD, 200, ("admin",), WAIT).send(api, request_id=filed["request_id"])
    resumed = Call("POST", RESUME, 200, ("admin",), {"note": "Thawed"})
    await resumed.send(api, request_id=filed["request_id"])
