"""SLA's routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

VERSIONS, RESELECT, KPIS = "/sla-policies/versions", "/sla-policies/reselect", "/analytics/kpis"
CALLS = [
    Call("GET", "/sla-policies", 200, ("auditor",)),
    Call("GET", "/sla-policies", 401),
    Call("GET", "/sla-policies", 403, ("citizen",)),
    Call("GET", VERSIONS, 200, ("auditor",)),
    Call("GET", f"{VERSIONS}/{{version}}", 200, ("auditor",), fill={"version": "1"}),
    Call("GET", f"{VERSIONS}/{{version}}", 404, ("auditor",), fill={"version": "77"}),
    Call("GET", f"{VERSIONS}/{{version}}", 422, ("auditor",), fill={"version": "0"}),
    Call("POST", RESELECT, 200, ("admin",), {}),
    Call("POST", RESELECT, 403, ("supervisor",), {}),
    Call("POST", RESELECT, 422, ("admin",), {"category": "dragon"}),
    Call("GET", KPIS, 200),
    Call("GET", KPIS, 401, query={"group_by": "zone"}),
    Call("GET", KPIS, 403, ("agent",), query={"group_by": "zone"}),
    Call("GET", KPIS, 422, ("auditor",), query={"group_by": "street"}),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
