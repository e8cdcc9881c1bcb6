"""SLA's routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

CALLS = [
    Call("GET", "/sla-policies", 200, ("auditor",)),
    Call("GET", "/sla-policies", 401),
    Call("GET", "/sla-policies", 403, ("citizen",)),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
