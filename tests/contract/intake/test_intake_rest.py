"""Intake's routes answer as the OpenAPI document says."""

import re

import pytest
from rest_kit import Call

from cst_testkit.apps import Api, report
from cst_testkit.histories import LIFECYCLE, step

NOBODY = {"citizen_id": "0" * 24}
NOWHERE = {"type": "Point", "coordinates": [-40.0, 40.0]}
ELSEWHERE = {"type": "photo", "url": "https://photos.example.org/1", "sha256": "ab" * 32}
RELEASE, HIDE, ERASE = [
    {"action": action, "target": "text"} for action in ("release", "hide", "redact")
]
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
    Call("POST", "/requests/", 201, body=report(contact={"phone": "+12125550177"})),
    Call("POST", "/requests/", 422, body=report(contact={"email": "nobody"})),
    Call("POST", "/requests/{request_id}/rating", 401, body={"rating": 5}),
    Call("POST", "/requests/{request_id}/rating", 403, ("supervisor",), {"rating": 5}),
    Call("POST", "/requests/{request_id}/rating", 422, body={"rating": 9}),
    Call("POST", "/requests/{request_id}/comments", 201, ("agent",), {"message": "On my way"}),
    Call("POST", "/requests/{request_id}/comments", 401, body={"message": "Hello"}),
    Call("POST", "/requests/{request_id}/comments", 403, ("auditor",), {"message": "Hello"}),
    Call("POST", "/requests/{request_id}/comments", 422, ("agent",), {"message": ""}),
    Call("GET", "/requests/{request_id}/comments", 200),
    Call("GET", "/requests/{request_id}/comments", 422, query={"cursor": "x"}),
    Call("POST", "/requests/{request_id}/evidence", 201, ("agent",), ELSEWHERE),
    Call("POST", "/requests/{request_id}/evidence", 401, body=ELSEWHERE),
    Call("POST", "/requests/{request_id}/evidence", 403, ("citizen",), ELSEWHERE),
    Call("POST", "/requests/{request_id}/evidence", 413, ("agent",), {"url": "x" * 100_000}),
    Call("POST", "/requests/{request_id}/evidence", 422, ("agent",), {"type": "photo"}),
    Call("GET", "/requests/{request_id}/evidence", 200),
    Call("GET", "/requests/{request_id}/evidence/{evidence_id}", 404, fill={"evidence_id": "x"}),
    Call("POST", "/requests/{request_id}/moderation", 200, ("dispatcher",), RELEASE),
    Call("POST", "/requests/{request_id}/moderation", 401, body=RELEASE),
    Call("POST", "/requests/{request_id}/moderation", 403, ("agent",), RELEASE),
    Call("POST", "/requests/{request_id}/moderation", 403, ("dispatcher",), ERASE),
    Call("POST", "/requests/{request_id}/moderation", 409, ("supervisor",), HIDE),
    Call("POST", "/requests/{request_id}/moderation", 422, ("supervisor",), {"action": "hide"}),
    Call("GET", "/requests/{request_id}/events", 200, ("supervisor",), query={"limit": 1}),
    Call("GET", "/requests/{request_id}/events", 422, query={"limit": 0}),
    Call("POST", "/citizens", 422, body={"contacts": {}}),
    Call("POST", "/citizens/sign-in", 422, body={"email": "nobody"}),
    Call(
        "POST",
        "/citizens/sign-in/verify",
        409,
        body={"sign_in_id": "0" * 24, "code": "123456"},
    ),
    Call("POST", "/citizens/{citizen_id}/verify", 409, body={"code": "123456"}, fill=NOBODY),
    Call("POST", "/citizens/{citizen_id}/verify/resend", 404, fill=NOBODY),
    Call("GET", "/citizens/{citizen_id}", 404, ("dispatcher",), fill=NOBODY),
    Call("GET", "/citizens/{citizen_id}", 401, fill=NOBODY),
    Call("GET", "/citizens/me", 404, ("citizen",)),
    Call("GET", "/citizens/me", 403, ("dispatcher",)),
    Call("PATCH", "/citizens/me", 404, ("citizen",), {}),
    Call("GET", "/citizens/me/requests", 404, ("citizen",)),
    Call("GET", "/citizens/me/statistics", 404, ("citizen",)),
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


async def test_a_citizen_from_registration_to_a_rating(api: Api) -> None:
    contacts = {"contacts": {"email": "contract@example.org"}}
    registered = (await Call("POST", "/citizens", 201, body=contacts).send(api)).json()
    fill = {"citizen_id": registered["id"]}
    await Call("POST", "/citizens", 429, body=contacts).send(api)
    await Call("POST", "/citizens/sign-in", 202, body={"phone": "+12125550199"}).send(api)
    sent = await api.core.db["outbox"].find_one({"to": "contract@example.org"})
    assert sent is not None
    code = {"code": re.findall(r"[0-9]{6}", sent["text"])[0]}
    verify = Call("POST", "/citizens/{citizen_id}/verify", 200, body=code, fill=fill)
    verified = await verify.send(api)
    me = {"Authorization": f"Bearer {verified.json()['token']}"}
    for path in ("/citizens/me", "/citizens/me/requests", "/citizens/me/statistics"):
        await Call("GET", path, 200, headers=me).send(api)
    change = {"full_name": "Ana"}
    await Call("PATCH", "/citizens/me", 200, body=change, headers=me).send(api)
    await Call("GET", "/citizens/{citizen_id}", 200, ("auditor",), fill=fill).send(api)
    filed = await api.file()
    query = {"follow": filed["follow_url"].rpartition("=")[2]}
    rating = "/requests/{request_id}/rating"
    early = Call("POST", rating, 409, body={"rating": 5}, query=query)
    await early.send(api, request_id=filed["request_id"])
    done = [step(status) for status in LIFECYCLE[:4]]
    await api.core.ledger("test").record(filed["request_id"], lambda _: done)
    rated = Call("POST", rating, 201, body={"rating": 5}, query=query)
    await rated.send(api, request_id=filed["request_id"])
