"""Duplicates follow their master through what their own rules allow, each step the system's."""

from __future__ import annotations

from duplicates_kit import Desk, fresh_place, moved

from cst_ledger.events import NewEvent
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump


async def test_every_step_is_followed(desk: Desk) -> None:
    place, agent = fresh_place(), await desk.hired()
    first, second, third = await desk.reported(place, place, place)
    await desk.take(first, "closed", agent["id"])
    for request_id in (second, third):
        document = await desk.load(request_id)
        assert document["status"] == "closed"
        assert document["resolution_code"] == "fixed"
        assert str(document["assignment"]["assigned_agent_id"]) == agent["id"]
        steps = [e for e in await desk.events(request_id) if e["changes"].get("status")]
        assert [e["type"] for e in steps][1:] == [
            "triaged",
            "assigned",
            "in_progress",
            "resolved",
            "closed",
        ]
        assert {e["by"]["actor_id"] for e in steps[1:]} == {"duplicates"}
    assert await desk.load_of(agent["agent_code"]) == 0
    await desk.assert_sound()


async def test_linking_catches_up(desk: Desk) -> None:
    place, agent = fresh_place(), await desk.hired()
    first, second = await desk.reported(place, moved(place, 60))
    await desk.take(first, "in_progress", agent["id"])
    answer = await desk.merge(second, first)
    assert answer.json()["status"] == "in_progress"
    assert await desk.load_of(agent["agent_code"]) == 1


async def test_what_is_further_waits(desk: Desk) -> None:
    place, agent, other = fresh_place(), await desk.hired(), await desk.hired()
    first, second = await desk.reported(place, moved(place, 60))
    await desk.take(second, "in_progress", agent["id"])
    assert (await desk.merge(second, first)).json()["status"] == "in_progress"
    await desk.take(first, "assigned", other["id"])
    assert (await desk.load(second))["status"] == "in_progress"
    await desk.take(first, "resolved", other["id"])
    assert (await desk.load(second))["status"] == "resolved"


async def test_a_reopened_master_reopens_its_duplicates_where_their_rules_do(desk: Desk) -> None:
    place, agent = fresh_place(), await desk.hired()
    first, second, third = await desk.reported(place, place, place)
    await desk.pin("v1.1", first, second)
    await desk.take(first, "in_progress", agent["id"])
    await desk.add_photo(first)
    resolved = await desk.api.step(first, "resolved", resolution_code="fixed", note="Patched")
    assert resolved.status_code == 200, resolved.text
    await desk.pump.drain()
    assert (await desk.load(third))["status"] == "resolved"
    reopened = await desk.api.step(first, "in_progress", note="It sank again")
    assert reopened.status_code == 200, reopened.text
    await desk.pump.drain()
    assert (await desk.load(second))["status"] == "in_progress"
    assert (await desk.events(second))[-1]["meta"]["reopened"] is True
    assert (await desk.load(third))["status"] == "resolved"
    await desk.assert_sound()


async def test_a_rejected_master_is_followed_where_the_rules_can(desk: Desk) -> None:
    place = fresh_place()
    first, second, third = await desk.reported(place, place, place)
    await desk.pin("v1.1", first, second)
    changes = {"status": "closed", "resolution_code": "spam"}
    rejected = NewEvent("closed", SYSTEM, changes=changes, message="A prank")
    await desk.api.core.ledger("workflow").record(first, lambda _: [rejected])
    await desk.pump.drain()
    document = await desk.load(second)
    assert (document["status"], document["resolution_code"]) == ("closed", "spam")
    assert (await desk.load(third))["status"] == "triaged"


async def test_a_repeat_of_an_event_does_nothing(desk: Desk) -> None:
    place, agent = fresh_place(), await desk.hired()
    first, second = await desk.reported(place, place)
    await desk.take(first, "in_progress", agent["id"])
    before = await desk.events(second)
    core = desk.api.core
    marks = core.db["consumer_marks"]
    await marks.update_one({"_id": f"workflow.duplicates:{first}"}, {"$set": {"seq": 0}})
    await Pump(core, ["workflow"]).drain()
    assert await desk.events(second) == before
