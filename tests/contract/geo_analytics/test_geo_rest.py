"""Geo-analytics' routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api
from cst_testkit.pump import Pump

HEATMAP = "/analytics/geofeeds/heatmap"
CALLS = [
    Call("GET", HEATMAP, 200, query={"resolution": 9, "bbox": "-74.1,40.6,-73.9,40.8"}),
    Call("GET", HEATMAP, 200, ("supervisor",), query={"weight": "priority"}),
    Call("GET", HEATMAP, 422, query={"resolution": 12}),
    Call("GET", HEATMAP, 422, query={"category": "dragons"}),
]


@pytest.fixture(scope="module", autouse=True)
async def _on_the_map(api: Api, pump: Pump) -> None:
    await api.file()
    await pump.drain()


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
