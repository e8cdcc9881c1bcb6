"""Intake's routes answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api, report

NOWHERE = {"type": "Point", "coordinates": [-40.0, 40.0]}
CALLS = [
    Call("POST", "/requests/", 201, body=report()),
    Call("POST", "/requests/", 422, body=report(category="dragons")),
    Call("POST", "/requests/", 422, body=report(location=NOWHERE)),
    Call("POST", "/requests/", 422, body={"category": 7}),
    Call("POST", "/requests/", 401, body=report(citizen_ref={"citizen_id": "6" * 24})),
    Call("POST", "/requests/", 403, ("citizen",), report(citizen_ref={"citizen_id": "6" * 24})),
    Call("POST", "/requests/", 413, body=report(description="x" * 1_100_000)),
    Call("GET", "/requests/{request_id}", 200),
    Call("GET", "/requests/{request_id}", 200, ("auditor",)),
    Call("GET", "/requests/{request_id}", 404, fill={"request_id": "CST-2001-0001"}),
    Call("GET", "/requests/{request_id}", 422, fill={"request_id": "7"}),
    Call("GET", "/requests", 200, query={"category": "pothole", "limit": 2}),
    Call("GET", "/requests", 200, ("dispatcher",)),
    Call("GET", "/requests", 422, query={"bbox": "1,2"}),
    Call("GET", "/requests", 422, query={"colour": "red"}),
    Call("GET", "/requests/{request_id}", 404, query={"as_of": "2020-01-01T00:00:00Z"}),
    Call("GET", "/requests/{request_id}", 422, query={"as_of": "yesterday"}),
    Call("GET", "/requests/{request_id}/events", 200),
    Call("GET", "/requests/{request_id}/events", 404, query={"as_of": "2020-01-01T00:00:00Z"}),
    Call("GET", "/requests/{request_id}/events", 200, ("supervisor",)),
    Call("GET", "/requests/{request_id}/audit", 200, ("auditor",)),
    Call("GET", "/requests/{request_id}/audit", 401),
    Call("GET", "/requests/{request_id}/audit", 403, ("citizen",)),
    Call("GET", "/categories", 200),
    Call("GET", "/zones", 200),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    filed = await api.file()
    await call.send(api, request_id=filed["request_id"])


async def test_the_reporter_sees_their_words(api: Api) -> None:
    filed = await api.file()
    signature = filed["follow_url"].rpartition("=")[2]
    call = Call("GET", "/requests/{request_id}", 200, query={"follow": signature})
    answer = await call.send(api, request_id=filed["request_id"])
    assert answer.json()["description"] == report()["description"]


async def test_a_key_again_is_the_same_request_or_refused(api: Api) -> None:
    headers = {"Idempotency-Key": "contract-1"}
    first = Call("POST", "/requests/", 201, body=report(), headers=headers)
    again = Call("POST", "/requests/", 200, body=report(), headers=headers)
    other = Call("POST", "/requests/", 422, body=report(description="Other"), headers=headers)
    filed, replayed = [(await call.send(api)).json() for call in (first, again)]
    assert filed == replayed
    await other.send(api)
