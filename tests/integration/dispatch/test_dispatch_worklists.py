"""Worklists: what is in them, in which order, for whom, and at what cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from cst_dispatch.views_repository import ViewsRepository
from cst_mongo.client import Database
from cst_testkit.apps import DOWNTOWN
from cst_testkit.desk import Desk
from cst_testkit.factories import request_state


async def worklist(desk: Desk, agent: dict[str, Any], **params: Any) -> dict[str, Any]:
    answer = await desk.get(f"/agents/{agent['id']}/worklist", **params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_a_worklist_has_the_open_work_by_due_time(desk: Desk) -> None:
    tess = await desk.hire(capacity=10)
    kinds = ("pothole", "street_light", "graffiti", "water_leak")
    open_work = [await desk.reach("assigned", tess, category=kind) for kind in kinds]
    open_work.append(await desk.reach("in_progress", tess))
    await desk.reach("resolved", tess)
    await desk.reach("assigned")
    items = (await worklist(desk, tess))["items"]
    assert {item["request_id"] for item in items} == set(open_work)
    dues = [item["due_at"] for item in items]
    assert dues == sorted(dues)
    assert len(set(dues)) >= 3
    for item in items:
        document = await desk.load(item["request_id"])
        assert (item["status"], item["priority"]) == (document["status"], document["priority"])
        assert (item["category"], item["zone_id"]) == (document["category"], "MN03")
        assert item["coordinates"] == list(DOWNTOWN)
        assert item["address_hint"] == "Main St"
        assert datetime.fromisoformat(item["due_at"]) == document["due_at"]
        assert item["hold_reason"] is None


async def test_a_worklist_says_what_is_held_and_what_nobody_can_find(desk: Desk) -> None:
    tess = await desk.hire(capacity=10)
    held, lost = [await desk.reach("assigned", tess) for _ in range(2)]
    assert (await desk.hold(held)).status_code == 200
    body: dict[str, Any] = {"unknown": True, "address_hint": "Behind the school"}
    answer = await desk.post(f"/requests/{lost}/location", **body, reason="Not there")
    assert answer.status_code == 200, answer.text
    items = {item["request_id"]: item for item in (await worklist(desk, tess))["items"]}
    assert (items[held]["hold_reason"], items[lost]["hold_reason"]) == ("weather", None)
    place = [items[lost][name] for name in ("coordinates", "zone_id", "address_hint")]
    assert place == [None, "UNKNOWN", "Behind the school"]


async def test_a_duplicate_is_its_masters_work(desk: Desk) -> None:
    tess = await desk.hire(capacity=10)
    master, duplicate = [await desk.reach("assigned", tess) for _ in range(2)]
    answer = await desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    assert answer.status_code == 200, answer.text
    assert [item["request_id"] for item in (await worklist(desk, tess))["items"]] == [master]


async def test_pages_of_a_worklist_have_everything_once(desk: Desk) -> None:
    tess = await desk.hire(capacity=10)
    for _ in range(5):
        await desk.reach("assigned", tess)
    whole = (await worklist(desk, tess))["items"]
    found, params, pages = [], {"limit": 2}, 0
    while True:
        page = await worklist(desk, tess, **params)
        found += page["items"]
        pages += 1
        if page["next_cursor"] is None:
            break
        params = {"limit": 2, "cursor": page["next_cursor"]}
    assert (pages, found) == (3, whole)


async def test_agents_see_their_own_worklist_only(desk: Desk) -> None:
    tess, other = await desk.hire(), await desk.hire()
    client, me = desk.api.client, desk.api.as_("agent", subject=tess["agent_code"])
    for agent_id, status in ((tess["id"], 200), (other["id"], 403), ("0" * 24, 403)):
        answer = await client.get(f"/agents/{agent_id}/worklist", headers=me)
        assert answer.status_code == status
    assert (await desk.get(f"/agents/{'0' * 24}/worklist")).status_code == 404
    for headers, status in (({}, 401), (desk.api.as_("citizen"), 403)):
        answer = await client.get(f"/agents/{tess['id']}/worklist", headers=headers)
        assert answer.status_code == status


NOON = datetime(2026, 3, 3, 17, tzinfo=UTC)


async def store(db: Database, agent_id: ObjectId, count: int, **overrides: Any) -> list[str]:
    """Store requests of an agent, each due an hour after the one before; return their ids."""
    stored = await db["service_requests"].estimated_document_count()
    ids = [f"CST-2026-{stored + n:06d}" for n in range(count)]
    rows = [
        {
            **request_state(status="assigned", due_at=NOON + timedelta(hours=n), **overrides),
            "assignment": {"assigned_agent_id": agent_id, "since": NOON},
            "request_id": request_id,
        }
        for n, request_id in enumerate(ids)
    ]
    await db["service_requests"].insert_many(rows)
    return ids


async def test_what_is_never_due_comes_last(db: Database) -> None:
    agent_id, repository = ObjectId(), ViewsRepository(db)
    whenever = await store(db, agent_id, 3)
    await db["service_requests"].update_many(
        {"request_id": {"$in": whenever}}, {"$set": {"due_at": None}}
    )
    dated = await store(db, agent_id, 4)
    found, after = [], None
    while page := await repository.worklist(agent_id, after, 2):
        found += [row["request_id"] for row in page]
        after = page[-1]["place"], page[-1]["request_id"]
    assert found == [*dated, *whenever]


def named(plan: Any, name: str) -> list[Any]:
    """Return the values of a name wherever it stands in a plan."""
    if isinstance(plan, list):
        return [value for part in plan for value in named(part, name)]
    if not isinstance(plan, dict):
        return []
    here = [plan[name]] if name in plan else []
    return [*here, *(value for part in plan.values() for value in named(part, name))]


async def explained(db: Database, pipeline: list[dict[str, Any]]) -> dict[str, Any]:
    query = {"aggregate": "service_requests", "pipeline": pipeline, "cursor": {}}
    return await db.command({"explain": query, "verbosity": "executionStats"})


async def test_views_read_open_work_by_index_and_no_other_requests(db: Database) -> None:
    busy, other = ObjectId(), ObjectId()
    await store(db, busy, 5)
    await store(db, other, 60)
    closed = await store(db, busy, 300)
    await db["service_requests"].update_many(
        {"request_id": {"$in": closed}}, {"$set": {"status": "closed"}}
    )
    work = await db["service_requests"].count_documents({"status": "assigned"})
    plans = {
        5: ViewsRepository.worklist_query(busy, None, 51),
        work: ViewsRepository.open_work_query("location.zone_id"),
    }
    for most, pipeline in plans.items():
        plan = await explained(db, pipeline)
        assert "COLLSCAN" not in named(plan, "stage")
        assert named(plan, "indexName")
        (examined, *_) = named(plan, "totalDocsExamined")
        assert examined <= most
