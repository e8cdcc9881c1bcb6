"""`uvicorn app.main:app` and nothing else: a report is assigned by events, through every fault."""

from __future__ import annotations

import asyncio
from collections import Counter

from cst_ledger.verify import verify_all
from cst_stack import restart_broker
from cst_testkit.systems import RunningSystem
from cst_testkit.waiting import wait_until

STORY = ["created", "triaged", "agent_reserved", "assigned"]


def types(events: list[dict[str, object]]) -> list[object]:
    return [event["type"] for event in events]


async def test_a_report_is_assigned_by_events_alone(system: RunningSystem) -> None:
    events = await system.assigned(await system.file())
    assert types(events) == STORY
    assert [event["seq"] for event in events] == [0, 1, 2, 3]
    assert [event["service"] for event in events] == ["intake", "workflow", "dispatch", "dispatch"]
    assert {event["by"]["actor_type"] for event in events[1:]} == {"system"}


async def test_it_shows_on_the_map_and_in_the_kpis(system: RunningSystem) -> None:
    request_id = await system.file(location={"coordinates": [-73.95, 40.65]})
    await system.assigned(request_id)

    async def shown() -> bool:
        box = {"bbox": "-73.96,40.64,-73.94,40.66", "resolution": 10, "status": "assigned"}
        answer = await system.client.get("/analytics/geofeeds/heatmap", params=box)
        return bool(answer.json()["geojson"]["features"])

    await wait_until(shown, 30, "the hexagon")
    kpis = await system.client.get("/analytics/kpis")
    assert kpis.json()["totals"]["by_status"]["assigned"] >= 1


async def test_killed_workers_are_started_again_and_the_flow_goes_on(
    system: RunningSystem,
) -> None:
    before = {child.pid for child in system.children}
    assert before
    for child in system.children:
        child.kill()
    request_id = await system.file()
    await system.assigned(request_id)
    after = {child.pid for child in system.children}
    assert after
    assert not after & before


async def test_a_broker_that_forgot_everything_is_filled_again_without_double_effects(
    system: RunningSystem,
) -> None:
    early = [await system.file() for _ in range(5)]
    await asyncio.gather(*(system.assigned(request_id) for request_id in early))
    await asyncio.to_thread(restart_broker, system.home)
    late = [await system.file() for _ in range(5)]
    await asyncio.gather(*(system.assigned(request_id) for request_id in late))
    for request_id in early + late:
        assert types(await system.story(request_id)) == STORY
    async with system.database() as db:
        facts = Counter[object]()
        async for request in db["service_requests"].find():
            working = request["status"] in ("assigned", "in_progress")
            if working and request["duplicates"]["is_master"]:
                facts[request["assignment"]["assigned_agent_id"]] += 1
        agents = db["service_agents"].find({"open_assignments": {"$ne": 0}})
        assert {a["_id"]: a["open_assignments"] async for a in agents} == facts

        async def projected() -> bool:
            """Every request counted once in the KPIs."""
            totals = (await system.client.get("/analytics/kpis")).json()["totals"]
            counted: int = totals["requests"] + totals["duplicates"]
            return counted == await db["service_requests"].count_documents({})

        await wait_until(projected, 30, "the KPIs to count each request once")
        verdicts = [verdict async for verdict in verify_all(db)]
    assert verdicts
    assert [verdict for verdict in verdicts if not verdict.ok] == []
