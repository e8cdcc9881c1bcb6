"""Workflow's routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

STEP = "/requests/{request_id}/transition"
CALLS = [
    Call("PATCH", STEP, 200, ("dispatcher",), {"to": "triaged", "note": "Seen"}),
    Call("PATCH", STEP, 401, (), {"to": "triaged"}),
    Call("PATCH", STEP, 403, ("citizen",), {"to": "triaged"}),
    Call("PATCH", STEP, 409, ("dispatcher",), {"to": "closed"}),
    Call("PATCH", STEP, 409, ("dispatcher",), {"to": "triaged", "expected_version": 9}),
    Call("PATCH", STEP, 422, ("dispatcher",), {"to": "flying"}),
    Call("PATCH", STEP, 422, ("dispatcher",), {"to": "triaged", "resolution_code": "fixed"}),
    Call("PATCH", STEP, 404, ("admin",), {"to": "triaged"}, fill={"request_id": "CST-2001-0001"}),
    Call("GET", "/workflow-rules", 200, ("auditor",)),
    Call("GET", "/workflow-rules", 401),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    await call.send(api, request_id=filed["request_id"])
