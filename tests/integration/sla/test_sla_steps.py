"""The steps of a policy: fired once, in time or late with the true time, and what they do."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sla_kit import OFFICE, Promises, fire, notices, told

from cst_sla.repository import SlaRepository
from cst_testkit.desk import Desk
from cst_testkit.pump import Pump

#: What New York promises for a pothole, in hours after its report.
LIFE = [
    ("escalated", 48),
    ("sla_at_risk", 54),
    ("escalated", 72),
    ("priority_changed", 72),
    ("sla_overdue", 72),
    ("escalated", 96),
    ("sla_breached", 120),
]


async def filed(desk: Desk) -> str:
    """File a request, and let SLA hear of it."""
    request_id: str = (await desk.api.file())["request_id"]
    await Pump(desk.api.core, ["sla"]).drain()
    return request_id


async def kpis(desk: Desk, request_id: str) -> dict[str, object]:
    log = await desk.api.core.db["performance_logs"].find_one(
        {"request_id": (await desk.load(request_id))["_id"], "bucket": 0}
    )
    assert log is not None
    return dict(log["computed_kpis"])


async def test_a_life_of_waiting_fires_each_step_in_its_time(desk: Desk) -> None:
    request_id = await filed(desk)
    states = []
    for hours in (47.9, 48.1, 54.1, 72.1, 96.1, 120.1, 500):
        await fire(desk, hours=hours)
        states.append((await kpis(desk, request_id))["sla_state"])
    assert await told(desk, request_id) == LIFE
    assert states == ["on_track", "on_track", *["at_risk", "overdue", "overdue"], *["breached"] * 2]
    document = await desk.load(request_id)
    assert (document["priority"], document["escalations"]) == ("P2", 3)
    assert document["due_at"] == document["timestamps"]["created_at"] + timedelta(hours=72)
    assert [notice["roles"] for notice in await notices(desk, request_id)] == [
        ["dispatcher"],
        ["supervisor"],
    ]


async def test_after_a_pause_in_service_all_fires_at_once_with_the_true_times(desk: Desk) -> None:
    request_id = await filed(desk)
    await asyncio.gather(*(fire(desk, days=60) for _ in range(4)))
    assert await told(desk, request_id) == LIFE
    recorded = {event["recorded_at"] for event in await desk.events(request_id)}
    created_at = (await desk.load(request_id))["timestamps"]["created_at"]
    assert max(recorded) - created_at > timedelta(days=59)
    assert await fire(desk, days=90) == 0


async def test_what_is_claimed_by_one_is_left_alone_by_others(desk: Desk) -> None:
    request_id = await filed(desk)
    clocks = desk.api.core.db["sla_clocks"]
    held = [{"$set": {"claimed_by": "x", "claimed_until": {"$add": ["$$NOW", 60_000]}}}]
    await clocks.update_one({"_id": request_id}, held)
    assert await fire(desk, hours=60) == 0
    over = [{"$set": {"claimed_until": {"$subtract": ["$$NOW", 1]}}}]
    await clocks.update_one({"_id": request_id}, over)
    assert await fire(desk, hours=60) == 1


async def test_looking_for_what_is_due_uses_the_index_alone(desk: Desk) -> None:
    now = desk.api.core.clock.now()
    found = desk.api.core.db["sla_clocks"].find(SlaRepository.fallen_due(now))
    plan = (await found.sort("next_due_at", 1).explain())["queryPlanner"]["winningPlan"]
    assert "COLLSCAN" not in str(plan)
    assert "next_due_at_1" in str(plan)


async def test_a_first_answer_that_is_promised_is_missed_once(
    desk: Desk, promises: Promises
) -> None:
    await promises.load({"pothole": {"acknowledge_hours": 4}})
    answered, silent = await filed(desk), await filed(desk)
    comment = {"message": "We are on our way", "visibility": "internal"}
    assert (await desk.post(f"/requests/{answered}/comments", **comment)).status_code == 201
    await fire(desk, hours=5)
    await fire(desk, hours=6)
    assert await told(desk, silent) == [("sla_response_missed", 4)]
    assert await told(desk, answered) == []
    await Pump(desk.api.core, ["sla"]).drain()
    minutes = (await kpis(desk, answered))["first_response_minutes"]
    assert isinstance(minutes, float)
    assert 0 <= minutes < 1


async def test_promises_in_business_hours_are_kept_in_business_hours(
    desk: Desk, promises: Promises
) -> None:
    """Reported on Tuesday at noon: 5 hours on Tuesday, 8.5 on each day after."""
    fields = {"calendar": "office", "target_hours": 12, "breach_threshold_hours": 12}
    await promises.load({"pothole": fields | {"escalation_steps": []}}, OFFICE)
    created = await desk.api.file()
    await Pump(desk.api.core, ["sla"]).drain()
    document = await desk.load(created["request_id"])
    noon = document["timestamps"]["created_at"]
    assert document["due_at"] == noon + timedelta(days=1, hours=3.5)
    # The public is told until when.
    assert datetime.fromisoformat(created["due_at"]) == document["due_at"]
    await fire(desk, days=1, hours=3.4)
    assert [name for name, _ in await told(desk, created["request_id"])] == ["sla_at_risk"]
    await fire(desk, days=1, hours=3.6)
    assert [name for name, _ in await told(desk, created["request_id"])] == [
        "sla_at_risk",
        "sla_breached",
    ]
