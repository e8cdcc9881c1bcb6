"""Geo-analytics' routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api
from cst_testkit.pump import Pump

HEATMAP = "/analytics/geofeeds/heatmap"
CALLS = [
    Call("GET", HEATMAP, 200, query={"resolution": 9, "bbox": "-74.1,40.6,-73.9,40.8"}),
    Call("GET", HEATMAP, 200, ("supervisor",), query={"weight": "priority"}),
    Call("GET", HEATMAP, 200, query={"zoom": 12, "from": "2026-03-01", "to": "2026-03-31"}),
    Call("GET", HEATMAP, 200, query={"format": "cells", "weight": "priority_age"}),
    Call("GET", HEATMAP, 200, query={"weight": "sla_risk", "risk_hours": 48}),
    Call("GET", HEATMAP, 422, query={"resolution": 12}),
    Call("GET", HEATMAP, 422, query={"bbox": "-73,40,-74,41"}),
    Call("GET", HEATMAP, 422, query={"format": "png", "width": 9_999}),
    Call("GET", HEATMAP, 422, query={"category": "dragons"}),
]


@pytest.fixture(scope="module", autouse=True)
async def _on_the_map(api: Api, pump: Pump) -> None:
    await api.file()
    await pump.drain()


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
