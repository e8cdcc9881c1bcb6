"""The opt-out from the map: on new reports at once, on past ones however many there are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bson import ObjectId
from citizens_kit import Registry, fresh_email

from app.registry import WORKERS
from cst_core.ids import uuid7
from cst_intake import privacy
from cst_intake.privacy import VisibilityService
from cst_ledger.verify import verify_one
from cst_testkit.apps import report
from cst_testkit.waiting import wait_until


async def set_shared(registry: Registry, me: dict[str, str], shared: bool) -> None:
    change = {"preferences": {"privacy": {"share_publicly_on_map": shared}}}
    answer = await registry.api.client.patch("/citizens/me", json=change, headers=me)
    assert answer.status_code == 200, answer.text


async def file(registry: Registry, citizen_id: str, me: dict[str, str], **fields: Any) -> str:
    body = report(citizen_ref={"citizen_id": citizen_id}, **fields)
    answer = await registry.api.client.post("/requests/", json=body, headers=me)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["request_id"])


async def publicities(registry: Registry, citizen_id: str) -> list[str]:
    """Return the publicity of each of a citizen's requests, in the order they were filed."""
    rows = registry.api.core.db["service_requests"]
    cursor = rows.find({"citizen_ref.citizen_id": ObjectId(citizen_id)}).sort("_id", 1)
    return [row["public"] async for row in cursor]


async def changes(registry: Registry, request_id: str) -> list[tuple[str, str]]:
    headers = registry.api.as_("auditor")
    answer = await registry.api.client.get(f"/requests/{request_id}/events", headers=headers)
    return [
        (event["meta"]["from_public"], event["meta"]["to_public"])
        for event in answer.json()["events"]
        if event["type"] == "visibility_changed"
    ]


async def test_an_opt_out_covers_every_request_and_back(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    first = await file(registry, citizen_id, me)
    private = await file(registry, citizen_id, me, share_publicly=False)
    assert await publicities(registry, citizen_id) == ["exact", "area"]
    await set_shared(registry, me, False)
    assert await publicities(registry, citizen_id) == ["area", "area"]
    later = await file(registry, citizen_id, me)
    assert await publicities(registry, citizen_id) == ["area", "area", "area"]
    await set_shared(registry, me, True)
    assert await publicities(registry, citizen_id) == ["exact", "area", "exact"]
    assert await changes(registry, first) == [("exact", "area"), ("area", "exact")]
    assert await changes(registry, private) == []
    assert await changes(registry, later) == [("area", "exact")]
    for request_id in (first, private, later):
        assert (await verify_one(registry.api.core.db, request_id)).ok


async def test_an_opt_out_covers_what_is_closed(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    request_id = await file(registry, citizen_id, me)
    await registry.api.step(request_id, "triaged")
    core = registry.api.core
    await set_shared(registry, me, False)
    assert (await core.ledger("test").load(request_id))["public"] == "area"
    answer = await registry.api.client.get(f"/requests/{request_id}")
    assert answer.status_code == 404, "nobody else may see it any more"


async def test_what_the_category_hides_stays_hidden(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    categories = (await registry.api.core.catalog.get()).categories
    code = next(item.code for item in categories.values() if item.public == "area")
    request_id = await file(registry, citizen_id, me, category=code)
    for shared in (False, True):
        await set_shared(registry, me, shared)
        assert await publicities(registry, citizen_id) == ["area"]
    assert await changes(registry, request_id) == []


async def test_the_same_preference_again_changes_nothing(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    request_id = await file(registry, citizen_id, me)
    for _ in range(2):
        await set_shared(registry, me, False)
    assert await changes(registry, request_id) == [("exact", "area")]
    assert "visibility_pending" not in await registry.stored(citizen_id)


async def test_a_worker_finishes_what_an_answer_leaves(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "BATCH", 2)
    citizen_id, me = await registry.verified(fresh_email())
    ids = [await file(registry, citizen_id, me) for _ in range(13)]
    await set_shared(registry, me, False)
    left = await publicities(registry, citizen_id)
    assert left == ["area"] * 10 + ["exact"] * 3, "an answer waits for some batches only"
    services = [VisibilityService(registry.api.core) for _ in range(3)]
    await asyncio.gather(*(service.carry_over_pending() for service in services))
    assert await publicities(registry, citizen_id) == ["area"] * 13
    for request_id in ids:
        assert await changes(registry, request_id) == [("exact", "area")]
    assert await services[0].carry_over_pending() is False


async def test_the_workers_loop_finds_what_a_dead_process_has_left(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    await file(registry, citizen_id, me)
    left = {
        "preferences.privacy.share_publicly_on_map": False,
        "visibility_pending": {"epoch": uuid7(), "after": None},
    }
    rows = registry.api.core.db["citizens"]
    await rows.update_one({"_id": ObjectId(citizen_id)}, {"$set": left})
    (loop,) = [
        loop for loop in WORKERS["intake"].build(registry.api.core).loops if "Visib" in str(loop)
    ]
    stop = asyncio.Event()
    task = asyncio.create_task(loop(stop))

    async def carried_over() -> bool:
        return "visibility_pending" not in await registry.stored(citizen_id)

    await wait_until(carried_over, 30, "the loop to have found it")
    stop.set()
    await task
    assert await publicities(registry, citizen_id) == ["area"]


async def test_reports_and_changes_of_mind_at_once_end_as_the_last_one_says(
    registry: Registry,
) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    for _ in range(3):
        await file(registry, citizen_id, me)
    await asyncio.gather(
        *(set_shared(registry, me, shared) for shared in (False, True, False, True)),
        *(file(registry, citizen_id, me) for _ in range(6)),
    )
    shared = (await registry.stored(citizen_id))["preferences"]["privacy"]["share_publicly_on_map"]
    await VisibilityService(registry.api.core).carry_over_pending()
    assert set(await publicities(registry, citizen_id)) == {"exact" if shared else "area"}
