"""A citizen's own profile, requests and statistics, and what staff see of a citizen."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId
from citizens_kit import Registry, fresh_email, fresh_phone

from cst_testkit.apps import report


async def test_a_citizen_sees_and_changes_themselves(registry: Registry) -> None:
    email = fresh_email()
    citizen_id, me = await registry.verified(email, full_name="Ana Ruiz")
    client = registry.api.client
    mine = (await client.get("/citizens/me", headers=me)).json()
    assert (mine["id"], mine["contacts"]["email"]) == (citizen_id, email)
    change = {
        "full_name": "Ana R.",
        "preferences": {"language": "es", "notifications": {"on_status_change": False}},
        "address": {"zone_id": "MN03"},
    }
    changed = (await client.patch("/citizens/me", json=change, headers=me)).json()
    assert changed["full_name"] == "Ana R."
    assert changed["address"] == {"neighborhood": None, "city": None, "zone_id": "MN03"}
    assert changed["preferences"] == mine["preferences"] | {
        "language": "es",
        "notifications": {"on_status_change": False, "on_resolution": True},
    }
    assert (await client.get("/citizens/me", headers=me)).json() == changed
    cleared = await client.patch("/citizens/me", json={"full_name": None}, headers=me)
    assert cleared.json() == changed | {"full_name": None}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contacts": {"email": "b@example.org"}}, "contacts"),
        ({"preferences": {"language": "xx"}}, "preferences.language"),
        ({"preferences": {"language": None}}, "preferences.language"),
        ({"preferences": {"preferred_contact": "sms"}}, "preferences.preferred_contact"),
        (
            {"preferences": {"privacy": {"share_publicly_on_map": "no"}}},
            "preferences.privacy.share_publicly_on_map",
        ),
        ({"address": {"zone_id": "Q"}}, "address.zone_id"),
        ({"stats": {"total_requests": 9}}, "stats"),
    ],
)
async def test_a_wrong_change_is_refused_and_leaves_the_citizen(
    registry: Registry, change: dict[str, Any], field: str
) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    before = await registry.stored(citizen_id)
    answer = await registry.api.client.patch("/citizens/me", json=change, headers=me)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await registry.stored(citizen_id) == before


async def test_own_requests_come_newest_first_in_pages_and_nobody_elses(
    registry: Registry,
) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    other_id, other = await registry.verified(fresh_email())
    client, filed = registry.api.client, []
    for owner, headers in ((citizen_id, me), (other_id, other), (citizen_id, me), (citizen_id, me)):
        body = report(citizen_ref={"citizen_id": owner}, category="noise")
        answer = await client.post("/requests/", json=body, headers=headers)
        if owner == citizen_id:
            filed.append(answer.json()["request_id"])
    first = (await client.get("/citizens/me/requests?limit=2", headers=me)).json()
    url = f"/citizens/me/requests?limit=2&cursor={first['next_cursor']}"
    second = (await client.get(url, headers=me)).json()
    seen = [item["request_id"] for item in (*first["items"], *second["items"])]
    assert seen == filed[::-1]
    assert second["next_cursor"] is None
    assert first["items"][0]["description"] == report()["description"]


async def test_statistics_count_own_requests(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    client = registry.api.client
    for _ in range(3):
        body = report(citizen_ref={"citizen_id": citizen_id})
        filed = await client.post("/requests/", json=body, headers=me)
        assert filed.status_code == 201
    await registry.api.step(filed.json()["request_id"], "triaged")
    statistics = (await client.get("/citizens/me/statistics", headers=me)).json()
    assert statistics == {
        "total_requests": 3,
        "open_requests": 3,
        "by_status": {"new": 2, "triaged": 1},
        "ratings": 0,
        "avg_rating": None,
    }


@pytest.mark.parametrize(
    ("roles", "email", "phone"),
    [
        (("supervisor",), "{email}", "{phone}"),
        (("admin",), "{email}", "{phone}"),
        (("dispatcher",), "a***@example.org", "+1***{end}"),
        (("auditor",), None, None),
        (("auditor", "dispatcher"), "a***@example.org", "+1***{end}"),
    ],
)
async def test_staff_see_contacts_by_their_role(
    registry: Registry, roles: tuple[str, ...], email: str | None, phone: str | None
) -> None:
    contacts = {"email": fresh_email(), "phone": fresh_phone()}
    registered = await registry.register(contacts=contacts)
    answer = await registry.api.client.get(
        f"/citizens/{registered['id']}", headers=registry.api.as_(*roles)
    )
    assert answer.status_code == 200
    known = contacts | {"end": contacts["phone"][-2:]}
    assert answer.json()["contacts"] == {
        "email": email and email.format(**known),
        "phone": phone and phone.format(**known),
    }


async def test_a_citizen_is_not_shown_to_others(registry: Registry) -> None:
    registered = await registry.register()
    url, client = f"/citizens/{registered['id']}", registry.api.client
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers=registry.api.as_("citizen"))).status_code == 403
    assert (await client.get(url, headers=registry.api.as_("agent"))).status_code == 403


async def test_a_token_of_nobody_is_nobody(registry: Registry) -> None:
    for subject in ("tester", str(ObjectId())):
        headers = registry.api.as_("citizen", subject=subject)
        for path in ("me", "me/requests", "me/statistics"):
            answer = await registry.api.client.get(f"/citizens/{path}", headers=headers)
            assert answer.status_code == 404
