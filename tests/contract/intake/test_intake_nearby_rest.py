"""What is nearby, as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

NEARBY = "/requests/nearby"
HERE = {"lon": -74.0, "lat": 40.71, "category": "pothole"}
CALLS = [
    Call("GET", NEARBY, 200, query=HERE),
    Call("GET", NEARBY, 200, ("dispatcher",), query=HERE),
    Call("GET", NEARBY, 422, query=HERE | {"category": "potholes"}),
    Call("GET", NEARBY, 422, query=HERE | {"lat": 91}),
    Call("GET", NEARBY, 422, query=HERE | {"lat": 48.85}),
    Call("GET", NEARBY, 422),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    answer = await call.send(api)
    if call.status == 200:
        assert filed["request_id"] in [item["request_id"] for item in answer.json()["items"]]
