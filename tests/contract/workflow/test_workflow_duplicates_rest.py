"""The routes of duplicates answer as the OpenAPI document says."""

import pytest
from rest_kit import Call

from cst_testkit.apps import Api

MERGE, UNMERGE = "/requests/{request_id}/merge", "/requests/{request_id}/unmerge"
ME_TOO = "/requests/{request_id}/me-too"
LIST, DECIDE = "/duplicates/suggestions", "/duplicates/suggestions/{suggestion_id}"
KEY = {"Idempotency-Key": "one-of-mine"}
NOBODY = {"request_id": "CST-2001-0001"}
REASON = {"reason": "Another hole"}
CALLS = [
    Call("POST", MERGE, 200, ("dispatcher",), {"master_request_id": "{other}"}),
    Call("POST", MERGE, 401, (), {"master_request_id": "{other}"}),
    Call("POST", MERGE, 403, ("agent",), {"master_request_id": "{other}"}),
    Call("POST", MERGE, 404, ("admin",), {"master_request_id": "{other}"}, fill=NOBODY),
    Call(
        "POST",
        MERGE,
        409,
        ("supervisor",),
        {"master_request_id": "{other}", "expected_version": 99},
    ),
    Call("POST", MERGE, 422, ("dispatcher",), {"master_request_id": "{request_id}"}),
    Call("POST", MERGE, 422, ("dispatcher",), {}),
    Call("POST", UNMERGE, 200, ("dispatcher",), REASON, fill={"request_id": "{duplicate}"}),
    Call("POST", UNMERGE, 401, (), REASON),
    Call("POST", UNMERGE, 403, ("citizen",), REASON),
    Call("POST", UNMERGE, 409, ("dispatcher",), REASON),
    Call("POST", UNMERGE, 422, ("dispatcher",), {}),
    Call("POST", ME_TOO, 200, (), headers=KEY),
    Call("POST", ME_TOO, 404, (), fill=NOBODY, headers=KEY),
    Call("POST", ME_TOO, 422, ()),
    Call("GET", LIST, 200, ("dispatcher",)),
    Call("GET", LIST, 401),
    Call("GET", LIST, 403, ("agent",)),
    Call("GET", LIST, 422, ("dispatcher",), query={"cursor": "x"}),
    Call("POST", DECIDE, 404, ("dispatcher",), {"decision": "refuse"}, fill={"suggestion_id": "x"}),
    Call("POST", DECIDE, 422, ("dispatcher",), {"decision": "x"}, fill={"suggestion_id": "x"}),
    Call("POST", DECIDE, 403, ("agent",), {"decision": "refuse"}, fill={"suggestion_id": "x"}),
]


async def _merged(api: Api) -> str:
    """Return a request that was merged into another."""
    master, duplicate = [(await api.file())["request_id"] for _ in range(2)]
    answer = await api.client.post(
        f"/requests/{duplicate}/merge",
        json={"master_request_id": master},
        headers=api.as_("dispatcher"),
    )
    assert answer.status_code == 200, answer.text
    return str(duplicate)


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_answer_is_documented(api: Api, call: Call) -> None:
    known = {name: (await api.file())["request_id"] for name in ("request_id", "other")}
    known["duplicate"] = await _merged(api)
    body = call.body
    if body is not None and "master_request_id" in body:
        body = body | {"master_request_id": body["master_request_id"].format(**known)}
    fill = {name: value.format(**known) for name, value in call.fill.items()}
    sent = Call(
        call.method, call.path, call.status, call.roles, body, call.query, fill, call.headers
    )
    await sent.send(api, **known)
