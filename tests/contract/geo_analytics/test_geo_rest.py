"""Geo-analytics' routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api
from cst_testkit.pump import Pump

HEATMAP, KPIS = "/analytics/geofeeds/heatmap", "/analytics/kpis"
PAST = "2026-03-03T16:00:00Z"
CALLS = [
    Call("GET", HEATMAP, 200, query={"resolution": 9, "bbox": "-74.1,40.6,-73.9,40.8"}),
    Call("GET", HEATMAP, 200, ("supervisor",), query={"weight": "priority"}),
    Call("GET", HEATMAP, 422, query={"resolution": 12}),
    Call("GET", HEATMAP, 422, query={"category": "dragons"}),
    Call("GET", KPIS, 200),
    Call("GET", KPIS, 200, ("auditor",), query={"group_by": "zone"}),
    Call("GET", KPIS, 401, query={"group_by": "zone"}),
    Call("GET", KPIS, 403, ("citizen",), query={"group_by": "zone"}),
    Call("GET", KPIS, 200, ("auditor",), query={"group_by": "day", "as_of": PAST}),
    Call("GET", KPIS, 401, query={"as_of": PAST}),
    Call("GET", KPIS, 422, ("auditor",), query={"as_of": "yesterday"}),
    Call("GET", KPIS, 422, ("auditor",), query={"day_from": "2026-02-01", "day_to": "2026-01-01"}),
]


@pytest.fixture(scope="module", autouse=True)
async def _on_the_map(api: Api, pump: Pump) -> None:
    await api.file()
    await pump.drain()


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
