"""A rating: once, by the request's citizen, when the work is done; kept in every place at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from ratings_kit import Office

from cst_core.errors import Conflict
from cst_intake.citizen_store import new_citizen
from cst_intake.domain.contacts import Contact
from cst_ledger.verify import verify_one


async def citizen(office: Office) -> ObjectId:
    """Store a citizen and return their id."""
    address = Contact("email", "ana@example.org")
    made = new_citizen([address], office.api.core.clock.now(), language="en")
    await office.api.core.db["citizens"].insert_one(made)
    oid: ObjectId = made["_id"]
    return oid


async def test_a_rating_is_kept_in_the_ledger_and_in_the_feedback(office: Office) -> None:
    filed = await office.done()
    before = await office.load(filed.request_id)
    comment = "Patched, and well done"
    codes = ["good_work", "fast"]
    answer = await office.rate(filed, rating=5, reason_codes=codes, comment=comment)
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert (receipt["rating"], receipt["disputed"]) == (5, False)
    (event,) = await office.events(filed.request_id, "rated")
    assert event["by"] == {"actor_type": "citizen", "actor_id": "anonymous"}
    assert event["meta"]["message"] == comment
    feedback = await office.feedback(filed.request_id)
    assert feedback == {
        "rating": 5,
        "reason_codes": codes,
        "comment": comment,
        "dispute_flag": False,
        "submitted_at": event["at"],
    }
    after = await office.load(filed.request_id)
    assert after["version"] == before["version"], "a rating changes no field of the request"
    assert after["internal"] == before["internal"], "a comment is no staff note"
    assert (await verify_one(office.api.core.db, filed.request_id)).ok


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_a_citizens_average_is_exact(office: Office, status: str) -> None:
    who = await citizen(office)
    ratings = [5, 4, 4]
    for rating in ratings:
        filed = await office.done(status, citizen=who)
        headers = office.api.as_("citizen", subject=str(who))
        assert (await office.rate(filed, headers=headers, rating=rating)).status_code == 201
    stored = await office.api.core.db["citizens"].find_one({"_id": who})
    assert stored is not None
    assert stored["stats"]["avg_rating"] == sum(ratings) / len(ratings)
    assert stored["stats"]["ratings"] == len(ratings)
    (event,) = await office.events(filed.request_id, "rated")
    assert event["by"] == {"actor_type": "citizen", "actor_id": str(who)}


async def test_of_many_ratings_at_once_one_counts(office: Office) -> None:
    who = await citizen(office)
    filed = await office.done(citizen=who)
    answers = await asyncio.gather(
        *(office.rate(filed, rating=1 + number % 5, dispute_flag=True) for number in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 9]
    assert len(await office.events(filed.request_id, "rated")) == 1
    assert len(await office.events(filed.request_id, "disputed")) == 1
    (accepted,) = [answer.json() for answer in answers if answer.status_code == 201]
    assert (await office.feedback(filed.request_id))["rating"] == accepted["rating"]
    stored = await office.api.core.db["citizens"].find_one({"_id": who})
    assert stored is not None
    assert stored["stats"]["avg_rating"] == accepted["rating"]
    before = await office.state(filed.request_id)
    assert (await office.rate(filed)).status_code == 409
    assert await office.state(filed.request_id) == before


@pytest.mark.parametrize("status", [None, "triaged", "assigned", "in_progress"])
async def test_work_that_is_not_done_is_not_rated(office: Office, status: str | None) -> None:
    filed = await office.file()
    if status is not None:
        await office.bring(filed.request_id, status)
    before = await office.state(filed.request_id)
    answer = await office.rate(filed)
    assert answer.status_code == 409
    assert answer.json()["current_state"] == (status or "new")
    assert await office.state(filed.request_id) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": None}, "rating"),
        ({"reason_codes": ["Too slow!"]}, "reason_codes.0"),
        ({"reason_codes": ["slow", "slow"]}, "reason_codes"),
        ({"reason_codes": [f"code{letter}" for letter in "abcdefghijk"]}, "reason_codes"),
        ({"comment": ""}, "comment"),
        ({"comment": "x" * 4001}, "comment"),
        ({"dispute_flag": "yes"}, "dispute_flag"),
        ({"stars": 5}, "stars"),
    ],
)
async def test_a_wrong_rating_is_refused_and_leaves_nothing(
    office: Office, body: dict[str, Any], field: str
) -> None:
    filed = await office.done()
    before = await office.state(filed.request_id)
    answer = await office.rate(filed, **body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await office.state(filed.request_id) == before


async def test_nobody_rates_in_the_reporters_place(office: Office) -> None:
    who = await citizen(office)
    filed = await office.done(citizen=who)
    before = await office.state(filed.request_id)
    for roles in ("dispatcher", "supervisor", "agent", "admin"):
        assert (await office.rate(filed, headers=office.api.as_(roles))).status_code == 403
    other = office.api.as_("citizen", subject=str(ObjectId()))
    assert (await office.rate(filed, headers=other)).status_code == 403
    url = f"/requests/{filed.request_id}/rating"
    client = office.api.client
    assert (await client.post(url, json={"rating": 5})).status_code == 401
    wrong = f"{url}?follow={'0' * 32}"
    assert (await client.post(wrong, json={"rating": 5})).status_code == 401
    assert await office.state(filed.request_id) == before


async def test_following_the_link_changes_nothing(office: Office) -> None:
    filed = await office.done()
    before = await office.state(filed.request_id)
    client, url = office.api.client, f"/requests/{filed.request_id}"
    query = {"follow": filed.signature, "rating": "5"}
    assert (await client.get(url, params=query)).status_code == 200
    assert (await client.get(f"{url}/rating", params=query)).status_code == 405
    assert await office.state(filed.request_id) == before


async def test_a_rating_may_come_late_but_a_dispute_may_not(office: Office) -> None:
    filed = await office.done()
    days = (await office.api.core.catalog.get()).city.dispute_days
    before = await office.state(filed.request_id)
    with pytest.raises(Conflict, match="could be disputed until"):
        await office.rate_after(filed, timedelta(days=days, minutes=1), dispute_flag=True)
    assert await office.state(filed.request_id) == before
    receipt = await office.rate_after(filed, timedelta(days=days, minutes=1))
    assert receipt.disputed is False


async def test_a_dispute_in_time_is_one(office: Office) -> None:
    filed = await office.done()
    days = (await office.api.core.catalog.get()).city.dispute_days
    within = timedelta(days=days) - timedelta(minutes=5)
    assert (await office.rate_after(filed, within, dispute_flag=True)).disputed is True
