"""The queue: who comes first, what wakes it, and what staff see of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from dispatch_kit import AFTERNOON, Dispatch, crew, shifts, work_off

from cst_dispatch.choosing import Chooser
from cst_dispatch.consumers import RosterHandler
from cst_dispatch.queue import Queue
from cst_testkit.desk import Desk, fields_of
from cst_testkit.faults.facts import due


async def test_the_most_urgent_comes_first_then_the_oldest(city: Dispatch) -> None:
    first, second, urgent = [await city.triaged(level) for level in ("P3", "P3", "P2")]
    for capacity, has in ((1, {urgent}), (2, {urgent, first}), (3, {urgent, first, second})):
        if capacity == 1:
            (agent,) = await city.only(crew(1))
        else:
            await city.patch(agent, capacity=capacity)
        await city.pump.drain()
        found = {r for r in (first, second, urgent) if await city.holder(r) is not None}
        assert found == has


async def test_nothing_is_assigned_to_whom_something_more_urgent_waits_for(city: Dispatch) -> None:
    (agent,) = await city.only(crew(2))
    busy = await city.triaged()
    await city.pump.drain()
    assert await city.holder(busy) == agent["agent_code"]
    urgent = await city.triaged("P1")
    await city.pump.drain()
    assert await city.holder(urgent) is None
    await city.done(busy)
    # Dispatch has not heard of it yet, and somebody else asks first.
    late = await city.triaged("P3")
    decision = await city.ask(late)
    assert (decision.outcome, decision.excluded["outranked"]) == ("deferred", 1)
    await city.pump.drain()
    assert await city.holder(urgent) == agent["agent_code"]
    assert await city.holder(late) is None


async def test_what_a_dead_worker_has_claimed_counts_as_due(city: Dispatch) -> None:
    await city.only(crew(1))
    request_id = await city.triaged()
    await city.queue(request_id)
    claimed = await Queue(city.db).claim(city.core.clock.now(), 10, "who dies now")
    assert [row["_id"] for row in claimed] == [request_id]
    assert await work_off(city.core) == 0
    assert await due(city.core) == [f"dispatch_queue: {request_id} is due"]


async def test_what_comes_first_but_needs_another_skill_is_in_nobodys_way(city: Dispatch) -> None:
    (agent,) = await city.only(crew(3))
    lamp = await city.triaged("P2", category="street_light")
    await city.pump.drain()
    pothole = await city.triaged("P3")
    await city.pump.drain()
    assert await city.holder(lamp) is None
    assert await city.holder(pothole) == agent["agent_code"]


async def test_room_that_is_made_goes_to_who_waits_and_is_looked_at_no_more_than_needed(
    city: Dispatch,
) -> None:
    (agent,) = await city.only(crew(4))
    first, second = await city.triaged(), await city.triaged()
    elsewhere = await city.triaged(category="street_light")
    await city.pump.drain()
    before = await city.row(elsewhere)
    row = await city.row(second)
    assert row is not None
    assert row["next_try_at"] > city.core.clock.now() + timedelta(minutes=50)
    await city.done(first)
    await city.pump.drain()
    assert await city.holder(second) == agent["agent_code"]
    assert await city.row(second) is None
    assert await city.row(elsewhere) == before, "who waits for others was not looked at"


async def test_a_shift_that_begins_takes_what_waits_at_that_moment(city: Dispatch) -> None:
    (agent,) = await city.only(crew(5, schedule=shifts(AFTERNOON)))
    request_id = await city.triaged()
    await city.pump.drain()
    row = await city.row(request_id)
    assert row is not None
    assert (row["reason"], row["excluded"]) == ("1 off_shift", {"off_shift": 1})
    # It waits an hour at most, and never longer than until the shift.
    assert await work_off(city.at(13, 30)) == 1
    row = await city.row(request_id)
    assert row is not None
    assert row["next_try_at"] == city.at(14).clock.now()
    assert await work_off(city.at(13, 59)) == 0
    assert await work_off(city.at(14)) == 1
    assert await city.holder(request_id) == agent["agent_code"]
    assert (await city.desk.types(request_id)).count("assignment_deferred") == 1


async def test_a_roster_that_changes_is_heard_of(city: Dispatch) -> None:
    other = {"zone_ids": ["MN01"], "geo_fence": None}
    (agent,) = await city.only(crew(6, coverage=other))
    request_id = await city.triaged()
    await city.pump.drain()
    assert await city.holder(request_id) is None
    await city.patch(agent, coverage={"zone_ids": ["MN01", "MN03"]})
    await city.pump.drain()
    assert await city.holder(request_id) == agent["agent_code"]


async def test_who_comes_back_from_leave_takes_what_waits(city: Dispatch) -> None:
    (agent,) = await city.only(crew(7))
    now = city.core.clock.now()
    answer = await city.desk.post(
        f"/agents/{agent['_id']}/leave",
        starts_at=now.isoformat(),
        ends_at=(now + timedelta(days=2)).isoformat(),
    )
    assert answer.status_code == 201, answer.text
    request_id = await city.triaged()
    await city.pump.drain()
    row = await city.row(request_id)
    assert row is not None
    assert row["excluded"] == {"leave": 1}
    path = answer.headers["Location"]
    gone = await city.desk.api.client.delete(path, headers=city.desk.api.as_("dispatcher"))
    assert gone.status_code == 204
    await city.pump.drain()
    assert await city.holder(request_id) == agent["agent_code"]


async def test_what_is_held_merged_or_closed_waits_no_more(city: Dispatch) -> None:
    held, master, duplicate = [await city.triaged() for _ in range(3)]
    await city.pump.drain()
    await city.desk.hold(held)
    merged = await city.desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    assert merged.status_code == 200, merged.text
    await city.pump.drain()
    assert await city.row(held) is None
    assert await city.row(duplicate) is None
    assert await city.row(master) is not None
    assert (await city.desk.post(f"/requests/{held}/resume")).status_code == 200
    await city.pump.drain()
    assert await city.row(held) is not None


async def test_a_p1_that_waits_is_told_until_somebody_has_it(city: Dispatch) -> None:
    request_id, calm = await city.triaged("P2"), await city.triaged("P2")
    await city.pump.drain()
    notices = city.db["notices"]
    assert await notices.count_documents({"kind": "waiting"}) == 0
    raised = await city.desk.post(
        f"/requests/{request_id}/priority", "supervisor", priority="P1", reason="School"
    )
    assert raised.status_code == 200, raised.text
    await city.pump.drain()
    notice = await notices.find_one({"kind": "waiting"})
    assert notice is not None
    assert (notice["request_id"], notice["roles"], notice["open"]) == (
        request_id,
        ["dispatcher"],
        True,
    )
    assert (await city.desk.types(request_id)).count("assignment_deferred") == 2
    assert (await city.desk.types(calm)).count("assignment_deferred") == 1
    (agent,) = await city.only(crew(8, schedule=shifts([], on_call=True)))
    await city.pump.drain()
    assert await city.holder(request_id) == agent["agent_code"], "on call counts for it"
    notice = await notices.find_one({"kind": "waiting"})
    assert notice is not None
    assert (notice["open"], notice["closed_because"]) == (False, "somebody has it")


async def test_staff_see_what_waits_page_by_page(city: Dispatch) -> None:
    ids = [await city.triaged(level) for level in ("P3", "P2", "P3", "P2", "P4")]
    await city.pump.drain()
    expected = [ids[1], ids[3], ids[0], ids[2], ids[4]]
    found, params = [], {"limit": 2}
    while True:
        page = (await city.desk.get("/dispatch/queue", **params)).json()
        found += [item["request_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params = {"limit": 2, "cursor": page["next_cursor"]}
    assert found == expected
    only = (await city.desk.get("/dispatch/queue", priority="P2", zone_id="MN03")).json()["items"]
    assert [item["request_id"] for item in only] == [ids[1], ids[3]]
    assert {item["reason"] for item in only} == {"there is nobody to ask"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"priority": "P9"}, "priority"),
        ({"zone_id": "nowhere"}, "zone_id"),
        ({"category": "dragons"}, "category"),
        ({"skill": "juggling"}, "skill"),
        ({"limit": 0}, "limit"),
        ({"cursor": "bm9uc2Vuc2U"}, "cursor"),
    ],
)
async def test_a_wrong_question_is_refused(
    desk: Desk, params: dict[str, object], field: str
) -> None:
    answer = await desk.get("/dispatch/queue", **params)
    assert answer.status_code == 422
    assert fields_of(answer) == [field]


async def test_a_dry_run_says_who_and_why_and_changes_nothing(city: Dispatch) -> None:
    near, far = crew(20, position=[-74.0, 40.711]), crew(21, position=[-73.9, 40.8])
    others = [
        crew(22, schedule=shifts(AFTERNOON)),
        crew(23, coverage={"zone_ids": ["BX01"], "geo_fence": None}),
        crew(24, open_assignments=1, load_share=1.0),
        crew(25, skills=["trees"]),
    ]
    await city.only(near, far, *others)
    request_id = await city.triaged()
    async with city.desk.untouched(request_id):
        decision = await city.ask(request_id, dry_run=True)
    assert (decision.dry_run, decision.outcome) == (True, "assigned")
    assert [c.agent_code for c in decision.candidates] == ["CREW-00020", "CREW-00021"]
    assert decision.candidates[0].distance_m == pytest.approx(111.2, abs=0.5)
    assert {left.agent_code: left.reason for left in decision.left_out} == {
        "CREW-00022": "off_shift",
        "CREW-00023": "zone",
        "CREW-00024": "full",
    }
    assert decision.excluded == {"full": 1, "off_shift": 1, "skill": 1, "zone": 1}
    assert await city.ask(request_id) == decision.model_copy(
        update={"dry_run": False, "left_out": []}
    )
    agent = await city.db["service_agents"].find_one({"agent_code": "CREW-00020"})
    assert agent is not None
    assert (agent["open_assignments"], agent["load_share"], agent["position"]) == (
        1,
        1.0,
        [-74.0, 40.71],
    )


async def test_many_that_wait_are_planned_together(city: Dispatch) -> None:
    # One by one each would take the crew that is free first, and both would drive across town.
    west, east = [-74.008, 40.71], [-73.992, 40.713]
    downtown = {"zone_ids": ["MN01", "MN03"], "geo_fence": None}
    crews = [crew(30, position=east, coverage=downtown), crew(31, position=west, coverage=downtown)]
    places = {"west": west, "east": east}
    ids = {
        name: await city.triaged(
            location={"type": "Point", "coordinates": place, "address_hint": name}
        )
        for name, place in places.items()
    }
    third = await city.triaged("P4")
    await city.pump.drain()
    await city.only_quietly(*crews)
    core = city.set_with(dispatch_batch_from=2)
    while await work_off(core):
        pass
    assert await city.holder(ids["west"]) == "CREW-00031"
    assert await city.holder(ids["east"]) == "CREW-00030"
    assert await city.holder(third) is None
    row = await city.row(third)
    assert row is not None
    assert row["claimed_until"] is None
    assert row["next_try_at"] > city.core.clock.now()


async def test_who_gave_it_back_does_not_get_it_again(city: Dispatch) -> None:
    await city.desk.use_rules("v1.1")
    first, second = await city.only(crew(40), crew(41))
    request_id = await city.triaged()
    await city.pump.drain()
    assert await city.holder(request_id) == first["agent_code"]
    back = await city.desk.api.step(request_id, "triaged", note="Cannot reach it")
    assert back.status_code == 200, back.text
    await city.pump.drain()
    assert await city.holder(request_id) == second["agent_code"]
    document = await city.desk.load(request_id)
    assert document["assignment"]["past_agent_ids"] == [first["_id"]]
    back = await city.desk.api.step(request_id, "triaged", note="Nor can I")
    assert back.status_code == 200, back.text
    await city.pump.drain()
    row = await city.row(request_id)
    assert row is not None
    assert row["excluded"]["held_before"] == 2


async def test_for_a_request_that_cannot_be_read_nobody_else_waits(city: Dispatch) -> None:
    (agent,) = await city.only(crew(50))
    broken, sound = await city.triaged("P2"), await city.triaged("P3")
    await city.queue(broken, sound)
    await city.db["service_requests"].update_one(
        {"request_id": broken}, {"$unset": {"assignment.past_agent_ids": ""}}
    )
    while await work_off(city.core):
        pass
    assert await city.holder(sound) == agent["agent_code"]
    row = await city.row(broken)
    assert row is not None
    assert row["next_try_at"] > city.core.clock.now() + timedelta(minutes=9)
    await city.db["service_requests"].update_one(
        {"request_id": broken}, {"$set": {"assignment.past_agent_ids": []}}
    )


async def test_room_that_is_made_while_a_request_is_deferred_is_not_missed(
    city: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    (agent,) = await city.only(crew(60))
    busy = await city.triaged()
    await city.pump.drain()
    waiting = await city.triaged()
    await city.queue(waiting)
    deferred, times = Queue.defer, []

    async def late(self: Queue, *args: Any) -> None:
        """Work ends, and dispatch hears of it, between the look at the agents and the deferral."""
        times.append(1)
        if len(times) == 1:
            await city.done(busy)
            await RosterHandler(city.core, Chooser(city.core)).changed([str(agent["_id"])])
        await deferred(self, *args)

    monkeypatch.setattr(Queue, "defer", late)
    while await work_off(city.core):
        pass
    assert times == [1]
    assert await city.holder(waiting) == agent["agent_code"]
