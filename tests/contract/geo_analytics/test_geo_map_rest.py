"""What the map page asks for answers as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

CALLS = [Call("GET", "/map/config.json", 200), Call("GET", "/map/zones.geojson", 200)]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    await call.send(api)
