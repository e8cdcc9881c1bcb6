"""The time for beginning: on the assignee's shifts only, and then to another, never back."""

from __future__ import annotations

from datetime import timedelta

from dispatch_kit import ALWAYS, Dispatch, crew, pass_on_due, shifts

from cst_ledger.events import Document

#: From noon, the tests' hour, to five.
DAY = [{"day": day, "start": "09:00", "end": "17:00"} for day in ("tue", "wed", "thu")]


async def clock(city: Dispatch, request_id: str) -> Document | None:
    return await city.db["acceptance_clocks"].find_one({"_id": request_id})


async def assigned(city: Dispatch, priority: str = "P3") -> str:
    request_id = await city.triaged(priority)
    await city.pump.drain()
    assert await city.holder(request_id) is not None
    return request_id


async def test_what_is_not_begun_goes_to_others_never_back_and_then_to_the_supervisor(
    city: Dispatch,
) -> None:
    chief = crew(9, roles=["agent", "supervisor"], skills=["street_lighting"])
    await city.only(*(crew(number, schedule=shifts(ALWAYS)) for number in range(3)), chief)
    request_id = await assigned(city)
    had = [await city.holder(request_id)]
    # Eight hours each: at eight in the evening, at four, at noon again.
    for count, core in enumerate((city.at(20, 5), city.at(28, 10), city.at(36, 15)), start=1):
        assert await pass_on_due(core) == 1
        document = await city.desk.load(request_id)
        assert (document["status"], document["assignment"]["not_accepted"]) == ("assigned", count)
        had.append(await city.holder(request_id))
    assert len(set(had)) == 4
    assert had[3] == chief["agent_code"]
    policies = [
        event["meta"]["assignment_policy"]
        for event in await city.desk.events(request_id)
        if event["type"] == "reassigned"
    ]
    assert policies == ["zone+skill+workload", "zone+skill+workload", "supervisor"]
    assert [e["meta"]["cause"] for e in await city.desk.events(request_id) if "cause" in e["meta"]]


async def test_only_the_time_of_the_shifts_counts(city: Dispatch) -> None:
    await city.only(crew(1, schedule=shifts(DAY)), crew(2, schedule=shifts(DAY)))
    request_id = await assigned(city)
    row = await clock(city, request_id)
    assert row is not None
    # Five of the eight hours are left of Tuesday, so Wednesday at twelve.
    given_at = (await city.desk.load(request_id))["assignment"]["since"]
    assert row["next_due_at"] == given_at + timedelta(hours=24)
    assert await pass_on_due(city.at(11, 59, days=1)) == 0
    before = await city.holder(request_id)
    assert await pass_on_due(city.at(12, 1, days=1)) == 1
    assert await city.holder(request_id) not in (None, before)


async def test_a_hold_stops_it_and_work_that_begins_ends_it(city: Dispatch) -> None:
    await city.only(crew(1, schedule=shifts(ALWAYS)), crew(2))
    request_id = await assigned(city)
    first = await clock(city, request_id)
    await city.desk.hold(request_id)
    await city.pump.drain()
    assert await clock(city, request_id) is None
    assert (await city.desk.post(f"/requests/{request_id}/resume")).status_code == 200
    await city.pump.drain()
    row, document = await clock(city, request_id), await city.desk.load(request_id)
    assert row is not None
    assert first is not None
    held = document["workflow"]["pauses"][0]
    assert row["next_due_at"] == first["next_due_at"] + (held["until"] - held["since"])
    assert (await city.desk.api.step(request_id, "in_progress")).status_code == 200
    await city.pump.drain()
    assert await clock(city, request_id) is None
    assert await pass_on_due(city.at(12, days=9)) == 0


async def test_who_is_on_call_has_half_an_hour_for_a_p1_at_any_hour(city: Dispatch) -> None:
    on_call = shifts([], on_call=True)
    await city.only(crew(1, schedule=on_call), crew(2, schedule=on_call))
    request_id = await assigned(city, "P1")
    row = await clock(city, request_id)
    assert row is not None
    given_at = (await city.desk.load(request_id))["assignment"]["since"]
    assert row["next_due_at"] == given_at + timedelta(minutes=30)


async def test_other_shifts_are_another_time(city: Dispatch) -> None:
    (agent,) = await city.only(crew(1, schedule=shifts(DAY)))
    request_id = await assigned(city)
    before = await clock(city, request_id)
    await city.patch(agent, schedule=shifts(ALWAYS))
    await city.pump.drain()
    after, given_at = await clock(city, request_id), (await city.desk.load(request_id))
    assert before is not None
    assert after is not None
    assert after["next_due_at"] < before["next_due_at"]
    assert after["next_due_at"] == given_at["assignment"]["since"] + timedelta(hours=8)


async def test_where_nobody_else_is_it_stays_and_is_offered_again(city: Dispatch) -> None:
    (agent,) = await city.only(crew(1, schedule=shifts(ALWAYS)))
    await city.db["service_agents"].update_many({"kind": "team"}, {"$set": {"active": False}})
    request_id = await assigned(city)
    core = city.at(21)
    assert await pass_on_due(core) == 1
    assert await city.holder(request_id) == agent["agent_code"]
    row = await clock(city, request_id)
    assert row is not None
    assert row["next_due_at"] == core.clock.now() + timedelta(hours=1)
    assert await pass_on_due(core) == 0
    assert (await city.desk.load(request_id))["assignment"]["not_accepted"] == 0


async def test_a_team_has_all_the_time_it_needs(city: Dispatch) -> None:
    request_id = await city.triaged()
    team = await city.db["service_agents"].find_one({"kind": "team", "department": "DOT"})
    assert team is not None
    given = await city.desk.post(f"/requests/{request_id}/assign", agent_id=str(team["_id"]))
    assert given.status_code == 200, given.text
    await city.pump.drain()
    assert await clock(city, request_id) is None
