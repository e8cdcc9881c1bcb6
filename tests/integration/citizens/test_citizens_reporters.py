"""Who files: a citizen with their preferences, or somebody who leaves a contact."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from citizens_kit import Registry, fresh_email, fresh_phone

from cst_testkit.apps import report, unique_key

NAMELESS = {"citizen_id": None, "anonymous": True, "contact_channel": "none"}


async def reference(registry: Registry, request_id: str) -> dict[str, Any]:
    """Return ``citizen_ref`` of a stored request."""
    document = await registry.api.core.ledger("test").load(request_id)
    found: dict[str, Any] = document["citizen_ref"]
    return found


async def leave(registry: Registry, contact: dict[str, str], **fields: Any) -> dict[str, Any]:
    filed = await registry.api.file(citizen_ref=NAMELESS, contact=contact, **fields)
    return await reference(registry, filed["request_id"])


async def test_a_contact_left_makes_an_unverified_citizen(registry: Registry) -> None:
    email = fresh_email()
    left = await leave(registry, {"email": email})
    assert (left["anonymous"], left["contact_channel"]) == (True, "email")
    citizen = await registry.stored(str(left["citizen_id"]))
    assert citizen["verification"]["state"] == "unverified"
    assert citizen["contacts"] == {"email": email, "phone": None}
    assert citizen["stats"]["total_requests"] == 1
    by_phone = await leave(registry, {"phone": fresh_phone()})
    assert by_phone["contact_channel"] == "sms"


async def test_the_contact_is_nowhere_but_in_citizens(registry: Registry) -> None:
    email = fresh_email()
    await leave(registry, {"email": email})
    db = registry.api.core.db
    for name in await db.list_collection_names():
        rows = await db[name].find().to_list()
        assert any(email in str(row) for row in rows) == (name == "citizens"), name


async def test_one_contact_is_one_citizen_also_at_the_same_moment(registry: Registry) -> None:
    email = fresh_email()
    spellings = [email, email.upper(), email.title()] * 5
    left = await asyncio.gather(*(leave(registry, {"email": text}) for text in spellings))
    (citizen_id,) = {item["citizen_id"] for item in left}
    citizen = await registry.stored(str(citizen_id))
    assert citizen["stats"]["total_requests"] == len(spellings)


async def test_the_same_key_again_counts_once(registry: Registry) -> None:
    body = report(citizen_ref=NAMELESS, contact={"email": fresh_email()})
    headers = {"Idempotency-Key": unique_key()}
    client = registry.api.client
    posts = (client.post("/requests/", json=body, headers=headers) for _ in range(4))
    (request_id,) = {answer.json()["request_id"] for answer in await asyncio.gather(*posts)}
    left = await reference(registry, request_id)
    citizen = await registry.stored(str(left["citizen_id"]))
    assert citizen["stats"]["total_requests"] == 1


async def test_who_knows_an_address_cannot_file_in_its_owners_name(registry: Registry) -> None:
    email = fresh_email()
    citizen_id, me = await registry.verified(email)
    left = await leave(registry, {"email": email})
    assert str(left["citizen_id"]) != citizen_id
    own = await registry.api.client.get("/citizens/me/requests", headers=me)
    assert own.json()["items"] == []


async def test_who_left_a_contact_signs_in_with_it_and_finds_their_reports(
    registry: Registry,
) -> None:
    email = fresh_email()
    filed = await registry.api.file(citizen_ref=NAMELESS, contact={"email": email})
    started = await registry.post("/citizens/sign-in", {"email": email})
    body = {"sign_in_id": started.json()["sign_in_id"], "code": await registry.code(email)}
    signed_in = (await registry.post("/citizens/sign-in/verify", body)).json()
    me = {"Authorization": f"Bearer {signed_in['token']}"}
    own = await registry.api.client.get("/citizens/me/requests", headers=me)
    assert [item["request_id"] for item in own.json()["items"]] == [filed["request_id"]]
    left = await leave(registry, {"email": email})
    assert str(left["citizen_id"]) != signed_in["citizen_id"], "from now on it takes a token"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"contact": {"email": "nobody"}}, "contact.email"),
        ({"contact": {"phone": "12"}}, "contact.phone"),
        ({"contact": {}}, "contact"),
        ({"contact": {"email": "a@example.org", "phone": "+12125550100"}}, "contact"),
        ({"contact": {"fax": "1"}}, "contact"),
        (
            {
                "contact": {"email": "a@example.org"},
                "citizen_ref": {"citizen_id": str(ObjectId())},
            },
            "contact",
        ),
        ({"contact": {"email": "a@example.org"}, "category": "dragons"}, "category"),
    ],
)
async def test_a_refused_report_leaves_no_citizen(
    registry: Registry, body: dict[str, Any], field: str
) -> None:
    api = registry.api
    before = await api.core.db["citizens"].count_documents({})
    answer = await api.client.post("/requests/", json=report(**body), headers=api.as_("dispatcher"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert await api.core.db["citizens"].count_documents({}) == before


@pytest.mark.parametrize(
    ("default", "given", "expected"),
    [(True, {}, True), (False, {}, False), (True, {"anonymous": False}, False)],
)
async def test_whether_a_citizen_stays_anonymous_is_their_choice(
    registry: Registry, default: bool, given: dict[str, bool], expected: bool
) -> None:
    privacy = {"default_anonymous": default}
    citizen_id, me = await registry.verified(fresh_email(), preferences={"privacy": privacy})
    body = report(citizen_ref={"citizen_id": citizen_id} | given)
    filed = await registry.api.client.post("/requests/", json=body, headers=me)
    left = await reference(registry, filed.json()["request_id"])
    assert left["anonymous"] is expected
