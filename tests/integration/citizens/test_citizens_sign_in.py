"""Registration and sign-in: by a code to the contact, which can't be guessed and is used once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from bson import ObjectId
from citizens_kit import Registry, fresh_email, fresh_phone, wrong

from cst_core.clock import wall_now
from cst_http.tokens import Caller


async def caller_of(registry: Registry, token: str) -> Caller:
    caller: Caller = await registry.api.app.state.tokens.caller(token)
    return caller


async def test_who_reads_the_code_is_verified_and_holds_a_citizens_token(
    registry: Registry,
) -> None:
    email = fresh_email()
    registered = await registry.register(full_name="Ana Ruiz", contacts={"email": email})
    assert registered["verification"]["state"] == "unverified"
    assert registered["code_sent_by"] == "email"
    answer = await registry.verify(registered["id"], await registry.code(email))
    assert answer.status_code == 200
    caller = await caller_of(registry, answer.json()["token"])
    assert caller == Caller(registered["id"], frozenset({"citizen"}))
    stored = await registry.stored(registered["id"])
    assert stored["verification"]["state"] == "verified"
    assert stored["verification"]["method"] == "email"
    assert stored["verification"]["verified_at"] is not None


async def test_contacts_are_kept_in_their_normal_form(registry: Registry) -> None:
    email = fresh_email()
    shouted = f" {email.upper()} "
    registered = await registry.register(contacts={"email": shouted, "phone": "(212) 555-9876"})
    stored = await registry.stored(registered["id"])
    assert stored["contacts"] == {"email": email, "phone": "+12125559876"}


async def test_the_code_goes_to_the_preferred_contact(registry: Registry) -> None:
    phone = fresh_phone()
    registered = await registry.register(
        contacts={"email": fresh_email(), "phone": phone},
        preferences={"preferred_contact": "sms"},
    )
    assert registered["code_sent_by"] == "sms"
    assert (await registry.verify(registered["id"], await registry.code(phone))).status_code == 200
    assert (await registry.stored(registered["id"]))["verification"]["method"] == "sms"


async def test_five_wrong_codes_use_up_the_right_one(registry: Registry) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    code = await registry.code(email)
    for left in (4, 3, 2, 1, 0):
        answer = await registry.verify(registered["id"], wrong(code))
        assert answer.status_code == 422
        assert f"{left} tries left" in answer.json()["detail"]
    assert (await registry.verify(registered["id"], code)).status_code == 409
    assert (await registry.stored(registered["id"]))["verification"]["state"] == "unverified"


async def test_guesses_at_once_are_no_more_than_five(registry: Registry) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    guess = wrong(await registry.code(email))
    answers = await asyncio.gather(*(registry.verify(registered["id"], guess) for _ in range(20)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(422) == 5
    assert statuses.count(409) == 15


async def test_a_code_signs_in_once_however_many_send_it(registry: Registry) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    code = await registry.code(email)
    answers = await asyncio.gather(*(registry.verify(registered["id"], code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await registry.verify(registered["id"], code)).status_code == 409


async def test_an_expired_code_is_none(registry: Registry) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    codes = registry.api.core.db["verification_codes"]
    past = {"expires_at": wall_now() - timedelta(seconds=1)}
    await codes.update_one({"_id": ObjectId(registered["id"])}, {"$set": past})
    code = await registry.code(email)
    assert (await registry.verify(registered["id"], code)).status_code == 409


async def test_a_new_code_takes_the_place_of_the_old_one(registry: Registry) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    old = await registry.code(email)
    await registry.later()
    answer = await registry.post(f"/citizens/{registered['id']}/verify/resend")
    assert answer.status_code == 202
    new = await registry.code(email)
    if new != old:
        assert (await registry.verify(registered["id"], old)).status_code == 422
    assert (await registry.verify(registered["id"], new)).status_code == 200
    await registry.later()
    answer = await registry.post(f"/citizens/{registered['id']}/verify/resend")
    assert answer.status_code == 409, "who is verified signs in"


async def test_codes_to_one_contact_are_limited_whichever_way_they_are_asked_for(
    registry: Registry,
) -> None:
    email = fresh_email()
    registered = await registry.register(contacts={"email": email})
    asked = [
        registry.post(f"/citizens/{registered['id']}/verify/resend"),
        registry.post("/citizens/sign-in", {"email": email}),
        registry.post("/citizens", {"contacts": {"email": email.upper()}}),
    ]
    for answer in await asyncio.gather(*asked):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 60
    assert len(await registry.messages(email)) == 1


async def test_no_more_than_five_codes_an_hour(registry: Registry) -> None:
    email = fresh_email()
    await registry.register(contacts={"email": email})
    limits = registry.api.core.db["verification_limits"]
    sent = [wall_now() - timedelta(minutes=minutes) for minutes in (50, 40, 30, 20, 10)]
    await limits.update_many({}, {"$set": {"sent": sent}})
    answer = await registry.post("/citizens/sign-in", {"email": email})
    assert answer.status_code == 429
    assert 500 < int(answer.headers["retry-after"]) <= 600


async def test_a_refused_registration_leaves_nothing(registry: Registry) -> None:
    email = fresh_email()
    await registry.register(contacts={"email": email})
    before = await registry.api.core.db["citizens"].count_documents({})
    assert (await registry.post("/citizens", {"contacts": {"email": email}})).status_code == 429
    assert await registry.api.core.db["citizens"].count_documents({}) == before


async def test_a_contact_has_one_verified_citizen(registry: Registry) -> None:
    email = fresh_email()
    await registry.verified(email)
    await registry.later()
    second = await registry.register(contacts={"email": email})
    answer = await registry.verify(second["id"], await registry.code(email))
    assert answer.status_code == 409
    assert "sign in" in answer.json()["detail"]
    assert (await registry.stored(second["id"]))["verification"]["state"] == "unverified"


async def test_two_who_prove_one_contact_at_once_are_one_citizen(registry: Registry) -> None:
    email = fresh_email()
    first = await registry.register(contacts={"email": email})
    code = await registry.code(email)
    await registry.later()
    second = await registry.register(contacts={"email": email})
    answers = await asyncio.gather(
        registry.verify(first["id"], code),
        registry.verify(second["id"], await registry.code(email)),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_citizen_signs_in_by_a_code(registry: Registry) -> None:
    email = fresh_email()
    citizen_id, _ = await registry.verified(email)
    await registry.later()
    started = await registry.post("/citizens/sign-in", {"email": email})
    assert started.status_code == 202
    body = {"sign_in_id": started.json()["sign_in_id"], "code": await registry.code(email)}
    answer = await registry.post("/citizens/sign-in/verify", body)
    assert answer.status_code == 200
    assert answer.json()["citizen_id"] == citizen_id


async def test_nobody_learns_by_signing_in_who_is_registered(registry: Registry) -> None:
    known, stranger = fresh_email(), fresh_email()
    await registry.verified(known)
    await registry.later()
    answers = [await registry.post("/citizens/sign-in", {"email": e}) for e in (known, stranger)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json().keys() == answers[1].json().keys()
    again = [await registry.post("/citizens/sign-in", {"email": e}) for e in (known, stranger)]
    assert [answer.status_code for answer in again] == [429, 429]
    assert await registry.messages(stranger) == []
    sign_in_id = answers[1].json()["sign_in_id"]
    for code in ("000000", ""):
        answer = await registry.post(
            "/citizens/sign-in/verify", {"sign_in_id": sign_in_id, "code": code}
        )
        assert answer.status_code == 422


async def test_neither_a_code_nor_a_strangers_contact_is_stored_as_it_is(
    registry: Registry,
) -> None:
    email, stranger = fresh_email(), fresh_email()
    await registry.register(contacts={"email": email})
    await registry.post("/citizens/sign-in", {"email": stranger})
    code = await registry.code(email)
    db = registry.api.core.db
    rows = [
        *await db["verification_codes"].find().to_list(),
        *await db["verification_limits"].find().to_list(),
    ]
    assert rows
    assert not any(code in str(row) or stranger in str(row) for row in rows)
    assert not any(email in str(row) for row in await db["verification_limits"].find().to_list())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "contacts"),
        ({"contacts": {}}, "contacts"),
        ({"contacts": {"email": "ana"}}, "contacts.email"),
        ({"contacts": {"email": "ana@example.org\r\nBcc: all@example.org"}}, "contacts.email"),
        ({"contacts": {"email": "a@b"}}, "contacts.email"),
        ({"contacts": {"email": f"{'a' * 65}@example.org"}}, "contacts.email"),
        ({"contacts": {"phone": "call me"}}, "contacts.phone"),
        ({"contacts": {"phone": "+0123456789"}}, "contacts.phone"),
        ({"contacts": {"phone": "+1234"}}, "contacts.phone"),
        (
            {
                "contacts": {"email": "a@example.org"},
                "preferences": {"preferred_contact": "sms"},
            },
            "preferences.preferred_contact",
        ),
        (
            {"contacts": {"email": "a@example.org"}, "preferences": {"language": "xx"}},
            "preferences.language",
        ),
        (
            {"contacts": {"email": "a@example.org"}, "address": {"zone_id": "Q"}},
            "address.zone_id",
        ),
        ({"contacts": {"email": "a@example.org"}, "verified": True}, "verified"),
        ({"contacts": {"email": "a@example.org"}, "full_name": ""}, "full_name"),
    ],
)
async def test_a_wrong_registration_is_refused_and_names_its_field(
    registry: Registry, body: dict[str, object], field: str
) -> None:
    db = registry.api.core.db
    before = [await db[name].count_documents({}) for name in ("citizens", "outbox")]
    answer = await registry.post("/citizens", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert [await db[name].count_documents({}) for name in ("citizens", "outbox")] == before


@pytest.mark.parametrize("body", [{}, {"email": "a@example.org", "phone": "+12125550100"}])
async def test_a_sign_in_is_by_one_contact(registry: Registry, body: dict[str, str]) -> None:
    assert (await registry.post("/citizens/sign-in", body)).status_code == 422


async def test_a_citizen_nobody_knows_has_no_code(registry: Registry) -> None:
    nobody = str(ObjectId())
    assert (await registry.verify(nobody, "123456")).status_code == 409
    assert (await registry.post(f"/citizens/{nobody}/verify/resend")).status_code == 404
