"""What an actor did, over all requests; and what is looked up costs what is found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cst_ledger.events import By, NewEvent
from cst_mongo.transactions import transact
from cst_sla.repository import SlaRepository
from cst_testkit.desk import Desk, fields_of
from cst_testkit.factories import created_event
from cst_workflow.repository import WorkflowRepository

HIM = By("staff", "m.ortiz")


async def write_by(desk: Desk, by: By, requests: int, each: int) -> list[str]:
    """Let an actor write ``each`` events to each of some requests, in turns; return the ids."""
    ledger, numbers = desk.api.core.ledger("test"), range(requests)
    event = NewEvent("escalated", by, changes={"escalations": 1}, meta={"action": "notify:admin"})
    ids = [f"CST-2026-{500_000 + number + 1000 * requests}" for number in numbers]
    for request_id in ids:

        async def create(session: Any, request_id: str = request_id) -> None:
            await ledger.create(request_id, created_event(), session)

        await transact(desk.api.core.db, create)
    for _ in range(each):
        for request_id in ids:
            await ledger.record(request_id, lambda _: [event])
    return ids


async def all_pages(desk: Desk, path: str, limit: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        page = (await desk.get(path, **params)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert len(page["items"]) == limit
        params["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("limit", [1, 7, 200])
async def test_every_event_of_an_actor_is_there_once_newest_first(desk: Desk, limit: int) -> None:
    him = By("staff", f"m.ortiz.{limit}")
    ids = await write_by(desk, him, requests=4 + limit, each=3)
    await write_by(desk, By("agent", him.actor_id), requests=3 + 1000 * limit % 7, each=1)
    found = await all_pages(desk, f"/actors/staff/{him.actor_id}/events", limit)
    expected = [
        event["event_id"]
        for request_id in ids
        for event in await desk.events(request_id)
        if event["by"] == him.document()
    ]
    assert [event["event_id"] for event in found] == sorted(expected, reverse=True)
    assert {event["request_id"] for event in found} == set(ids)
    assert {event["by"]["actor_type"] for event in found} == {"staff"}


async def test_events_over_several_buckets_are_found(desk: Desk) -> None:
    him = By("staff", "patient")
    await write_by(desk, him, requests=2, each=130)
    found = await all_pages(desk, "/actors/staff/patient/events", 50)
    assert len(found) == 260
    ids = [event["event_id"] for event in found]
    assert ids == sorted(set(ids), reverse=True)


async def test_texts_are_shown_and_their_salts_are_not(desk: Desk) -> None:
    request_id = (await desk.api.file())["request_id"]
    await desk.api.step(request_id, "triaged", subject="clerk", note="Seen from the bus")
    [event] = (await desk.get("/actors/staff/clerk/events")).json()["items"]
    assert (event["type"], event["request_id"]) == ("triaged", request_id)
    assert event["meta"]["message"] == "Seen from the bus"
    assert "salt" not in event["meta"]


async def test_an_actor_who_never_wrote_has_no_history(desk: Desk) -> None:
    answer = await desk.get("/actors/agent/NOBODY-1/events")
    assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("role", "status"),
    [("citizen", 403), ("agent", 403), ("dispatcher", 403), ("supervisor", 200), ("admin", 200)],
)
async def test_who_may_read_it(desk: Desk, role: str, status: int) -> None:
    assert (await desk.get("/actors/staff/clerk/events", role)).status_code == status


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("/actors/robot/r2/events", {}, "actor_type"),
        ("/actors/staff/clerk/events", {"limit": 0}, "limit"),
        ("/actors/staff/clerk/events", {"limit": 201}, "limit"),
        ("/actors/staff/clerk/events", {"cursor": "first"}, "cursor"),
    ],
)
async def test_a_wrong_question_is_refused(
    desk: Desk, path: str, params: dict[str, Any], field: str
) -> None:
    answer = await desk.get(path, **params)
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def stages(plan: dict[str, Any]) -> list[str]:
    """Return the names of a plan's stages and of the indexes that it reads."""
    inner = [*plan.get("inputStages", []), *([plan["inputStage"]] if "inputStage" in plan else [])]
    names = [plan["stage"], *([plan["indexName"]] if "indexName" in plan else [])]
    return [*names, *(name for stage in inner for name in stages(stage))]


async def test_what_runs_out_is_looked_up_by_an_index_of_what_is_held(desk: Desk) -> None:
    requests, now = desk.api.core.db["service_requests"], desk.api.core.clock.now()
    found = requests.find(WorkflowRepository.run_out(now)).sort("workflow.hold.until", 1)
    plan = stages((await found.explain())["queryPlanner"]["winningPlan"])
    assert "held_until" in plan
    assert "SORT" not in plan


async def test_what_closes_is_looked_up_by_an_index_of_what_is_resolved(desk: Desk) -> None:
    requests, now = desk.api.core.db["service_requests"], desk.api.core.clock.now()
    wanted = WorkflowRepository.closable(now - timedelta(days=7))
    found = requests.find(wanted).sort("timestamps.resolved_at", 1)
    plan = stages((await found.explain())["queryPlanner"]["winningPlan"])
    assert "waiting_to_close" in plan
    assert "SORT" not in plan


async def test_clocks_that_are_due_are_looked_up_by_their_index(desk: Desk) -> None:
    clocks, now = desk.api.core.db["sla_clocks"], desk.api.core.clock.now()
    found = clocks.find(SlaRepository.fallen_due(now), {"_id": 1}).sort("next_due_at", 1)
    plan = stages((await found.explain())["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan
    assert "COLLSCAN" not in plan
    assert "SORT" not in plan


async def test_a_page_of_an_actors_events_reads_as_many_buckets_as_it_has_events(
    desk: Desk,
) -> None:
    him = By("staff", "busy")
    await write_by(desk, him, requests=40, each=2)
    await write_by(desk, By("staff", "busier"), requests=41, each=2)
    logs = desk.api.core.db["performance_logs"]
    wanted = {"by.actor_type": "staff", "by.actor_id": "busy"}
    found = logs.find({"event_stream": {"$elemMatch": wanted}}).hint("by_actor").limit(5)
    stats = (await found.explain())["executionStats"]
    assert stats["nReturned"] == 5
    assert stats["totalDocsExamined"] <= 5
    assert stats["totalKeysExamined"] <= 10
