"""Filing a request: what is answered, what is stored, and that a key files it once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from cst_contracts.requests import CreatedRequest
from cst_testkit.apps import Api, report, unique_key


async def post(api: Api, body: Any, key: str | None = None, **headers: str) -> httpx.Response:
    keyed = {"Idempotency-Key": key} if key is not None else {}
    return await api.client.post("/requests/", json=body, headers=keyed | headers)


async def document(api: Api, request_id: str) -> dict[str, Any]:
    found = await api.core.db["service_requests"].find_one({"request_id": request_id})
    assert found is not None
    return found


async def test_the_specifications_example_is_created(api: Api) -> None:
    answer = await post(api, report())
    assert answer.status_code == 201
    created = CreatedRequest.model_validate(answer.json())
    assert answer.headers["location"] == f"/requests/{created.request_id}"
    assert answer.headers["etag"] == '"1"'
    assert "idempotency-replayed" not in answer.headers
    assert (created.status, created.priority, created.zone_id) == ("new", "P3", "MN03")
    assert created.follow_url.startswith(f"http://cst.test/requests/{created.request_id}?follow=")


async def test_the_stored_document_is_computed_from_category_zone_and_priority(api: Api) -> None:
    stored = await document(api, (await api.file())["request_id"])
    assert stored["status"] == stored["workflow"]["current_state"] == "new"
    assert stored["workflow"]["allowed_next"] == ["triaged"]
    assert stored["workflow"]["transition_rules_version"] == "v1.0"
    assert stored["sla_policy"]["policy_id"] == "pothole"
    assert stored["location"]["zone_id"] == "MN03"
    assert stored["duplicates"] == {
        "is_master": True,
        "master_request_id": None,
        "linked_duplicates": [],
        "linked_at": None,
    }
    times = stored["timestamps"]
    assert timedelta(0) <= times["updated_at"] - times["created_at"] < timedelta(seconds=5)
    due_hours = (stored["due_at"] - times["created_at"]).total_seconds() / 3600
    assert due_hours == stored["sla_policy"]["target_hours"] == 72


async def test_the_most_specific_promise_is_copied(api: Api) -> None:
    """New York promises more for potholes in the crowds of Midtown (MN05)."""
    midtown = {"type": "Point", "coordinates": [-73.985, 40.755]}
    stored = await document(api, (await api.file(location=midtown))["request_id"])
    assert stored["location"]["zone_id"] == "MN05"
    assert stored["sla_policy"]["policy_id"] == "pothole-mn05"


async def test_the_history_begins_with_created(api: Api) -> None:
    request_id = (await api.file())["request_id"]
    answer = await api.client.get(f"/requests/{request_id}/events", headers=api.as_("auditor"))
    [event] = answer.json()["events"]
    assert (event["seq"], event["type"], event["subject"]) == (0, "created", request_id)
    assert event["by"] == {"actor_type": "citizen", "actor_id": "anonymous"}


async def test_without_the_trailing_slash_it_is_the_same_route(api: Api) -> None:
    assert (await api.client.post("/requests", json=report())).status_code == 201


async def test_danger_raises_the_priority_and_brings_advice(api: Api) -> None:
    created = await api.file(description="There is a gas leak by the pothole")
    assert created["priority"] == "P1"
    assert "911" in created["emergency_advice"]
    assert (await api.file())["emergency_advice"] is None


async def test_a_citizen_files_in_their_own_name_only(api: Api) -> None:
    mine, yours = str(ObjectId()), str(ObjectId())
    body = report(citizen_ref={"citizen_id": mine, "anonymous": False})
    assert (await post(api, body)).status_code == 401
    assert (await post(api, body, **api.as_("citizen", subject=yours))).status_code == 403
    answer = await post(api, body, **api.as_("citizen", subject=mine))
    assert answer.status_code == 201
    stored = await document(api, answer.json()["request_id"])
    assert stored["citizen_ref"]["citizen_id"] == ObjectId(mine)


async def test_staff_file_in_anybodys_name(api: Api) -> None:
    body = report(citizen_ref={"citizen_id": str(ObjectId()), "anonymous": False})
    assert (await post(api, body, **api.as_("dispatcher"))).status_code == 201


async def test_the_same_key_and_body_give_the_same_request(api: Api) -> None:
    key = unique_key()
    first, second = await post(api, report(), key), await post(api, report(), key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert second.json() == first.json()


async def test_a_replay_shows_how_the_request_stands_now(api: Api) -> None:
    key = unique_key()
    first = await post(api, report(description="gas leak"), key)
    await api.step(first.json()["request_id"], "triaged")
    second = await post(api, report(description="gas leak"), key)
    assert second.headers["etag"] == '"2"'
    assert second.json()["status"] == "triaged"
    assert second.json()["follow_url"] == first.json()["follow_url"]
    assert second.json()["emergency_advice"] == first.json()["emergency_advice"]


async def test_a_body_that_means_the_same_is_the_same(api: Api) -> None:
    key = unique_key()
    await post(api, report(), key)
    spelled_out = report(tags=[], share_publicly=True, sub_category=None)
    assert (await post(api, spelled_out, key)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"description": "Another pothole"},
        {"category": "graffiti"},
        {"share_publicly": False},
        {"location": {"type": "Point", "coordinates": [-74.0, 40.711]}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_the_same_key_with_another_body_is_refused(api: Api, change: dict[str, Any]) -> None:
    key = unique_key()
    await post(api, report(), key)
    before = await api.stored()
    answer = await post(api, report(**change), key)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/idempotency-mismatch"
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await api.stored() == before


async def test_without_a_key_each_is_a_new_request(api: Api) -> None:
    assert (await api.file())["request_id"] != (await api.file())["request_id"]


async def test_two_callers_may_use_the_same_key(api: Api) -> None:
    key = unique_key()
    answers = [
        await post(api, report(), key),
        await post(api, report(), key, **api.as_("citizen", subject="a")),
        await post(api, report(), key, **api.as_("citizen", subject="b")),
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]


async def test_many_clients_with_one_key_at_once_file_one_request(api: Api) -> None:
    key, before = unique_key(), await api.stored()
    answers = await asyncio.gather(*(post(api, report(), key) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert len({answer.json()["follow_url"] for answer in answers}) == 1
    assert await api.stored() == before + 1


async def test_a_refused_request_does_not_use_up_its_key(api: Api) -> None:
    key = unique_key()
    assert (await post(api, report(category="unknown"), key)).status_code == 422
    assert (await post(api, report(), key)).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "with space", "smörgås".encode()])
async def test_a_key_that_is_none_is_refused(api: Api, key: str | bytes) -> None:
    before = await api.stored()
    headers = {b"Idempotency-Key": key if isinstance(key, bytes) else key.encode()}
    answer = await api.client.post("/requests/", json=report(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await api.stored() == before
