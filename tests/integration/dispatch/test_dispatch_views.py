"""Who has how much to do, and when nobody is there: loads and gaps in the coverage."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from cst_testkit.desk import Desk, fields_of

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_SHIFTS = [{"day": day, "start": "08:00", "end": "16:00"} for day in WEEK]
NIGHT_SHIFTS = [{"day": day, "start": "22:00", "end": "06:00"} for day in WEEK]
HALVES = (("00:00", "12:00"), ("12:00", "00:00"))
ALWAYS = [{"day": day, "start": start, "end": end} for day in WEEK for start, end in HALVES]


def on(shifts: list[dict[str, str]], *, on_call: bool = False) -> dict[str, Any]:
    return {"timezone": "America/New_York", "shifts": shifts, "on_call": on_call}


async def loads(desk: Desk, group_by: str) -> dict[str, dict[str, Any]]:
    """Return the loads of all agents, zones or skills by their names."""
    key = {"agent": "agent_code", "zone": "zone_id", "skill": "skill"}[group_by]
    params: dict[str, Any] = {"group_by": group_by}
    found: dict[str, dict[str, Any]] = {}
    while True:
        answer = await desk.get("/dispatch/load", **params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["group_by"] == group_by
        found |= {load[key]: load for load in page["items"]}
        if (cursor := page.get("next_cursor")) is None:
            return found
        params["cursor"] = cursor


def change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """Return by how much counts have changed, where they have."""
    counts = ("persons", "working", "free_capacity", "open_work", "waiting")
    return {name: n for name in counts if (n := after[name] - before[name])}


@pytest.mark.parametrize("path", ["/dispatch/load", "/dispatch/coverage-gaps"])
async def test_loads_and_gaps_are_for_staff(desk: Desk, path: str) -> None:
    client = desk.api.client
    for headers, status in (({}, 401), (desk.api.as_("agent"), 403), (desk.api.as_("admin"), 200)):
        assert (await client.get(path, headers=headers)).status_code == status


async def test_the_load_of_agents_says_who_is_there(desk: Desk) -> None:
    """It is a Tuesday noon."""
    day, night = (
        await desk.hire(schedule=on(DAY_SHIFTS)),
        await desk.hire(schedule=on(NIGHT_SHIFTS)),
    )
    away = await desk.hire(schedule=on(DAY_SHIFTS))
    team = await desk.hire(kind="team", capacity=None, schedule=on([]))
    idle = await desk.hire(active=False)
    now = desk.api.core.clock.now()
    leave = {"leave_id": "1", "starts_at": now, "ends_at": now + timedelta(days=1), "reason": None}
    agents = desk.api.core.db["service_agents"]
    await agents.update_one({"_id": ObjectId(away["id"])}, {"$set": {"leave": [leave]}})
    for _ in range(2):
        await desk.reach("assigned", day)
    await desk.reach("in_progress", team)
    found = await loads(desk, "agent")

    def told(agent: dict[str, Any]) -> tuple[Any, ...]:
        names = ("open_assignments", "capacity", "share", "on_shift", "on_leave")
        return tuple(found[agent["agent_code"]][name] for name in names)

    assert told(day) == (2, 3, pytest.approx(2 / 3), True, False)
    assert told(night) == (0, 3, 0, False, False)
    assert told(away) == (0, 3, 0, False, True)
    assert told(team) == (1, None, None, False, False)
    assert idle["agent_code"] not in found
    assert list(found) == sorted(found)


async def test_the_load_of_a_zone_has_its_people_and_their_work(desk: Desk) -> None:
    before = await loads(desk, "zone")
    day = await desk.hire(schedule=on(DAY_SHIFTS), coverage={"zone_ids": ["MN03", "SI01"]})
    await desk.hire(schedule=on(NIGHT_SHIFTS), coverage={"zone_ids": ["SI01"]})
    await desk.reach("assigned", day)
    await desk.reach("in_progress", day)
    await desk.reach("triaged")
    await put_in_the_queue(desk, zone_id="SI01", skills=["roads"])
    after = await loads(desk, "zone")
    assert change(before["SI01"], after["SI01"]) == {
        "persons": 2,
        "working": 1,
        "free_capacity": 1,
        "waiting": 1,
    }
    here = {"persons": 1, "working": 1, "free_capacity": 1, "open_work": 2}
    assert change(before["MN03"], after["MN03"]) == here
    assert change(before["BX01"], after["BX01"]) == {}
    assert (after["MN03"]["name"], after["UNKNOWN"]["name"]) == (before["MN03"]["name"], None)
    assert {*before} == {*after} >= {*(await zone_ids(desk)), "UNKNOWN"}


async def test_the_load_of_a_skill_counts_whatever_it_does_for(desk: Desk) -> None:
    before = await loads(desk, "skill")
    both = await desk.hire(schedule=on(DAY_SHIFTS), skills=["roads", "traffic_signals"])
    await desk.reach("assigned", both, category=await category_of(desk, {"roads"}))
    shared = await category_of(desk, {"roads", "traffic_signals"})
    await desk.reach("assigned", both, category=shared)
    await put_in_the_queue(desk, zone_id="MN03", skills=["roads", "traffic_signals"])
    after = await loads(desk, "skill")
    there = {"persons": 1, "working": 1, "free_capacity": 1, "waiting": 1}
    assert change(before["roads"], after["roads"]) == {**there, "open_work": 2}
    assert change(before["traffic_signals"], after["traffic_signals"]) == {**there, "open_work": 1}
    assert change(before["forestry"], after["forestry"]) == {}


async def zone_ids(desk: Desk) -> list[str]:
    return list((await desk.api.core.catalog.get()).zone_names)


async def category_of(desk: Desk, skills: set[str]) -> str:
    """Return a category that needs one of exactly these skills."""
    categories = (await desk.api.core.catalog.get()).categories.values()
    return next(category.code for category in categories if set(category.skills) == skills)


async def put_in_the_queue(desk: Desk, **fields: Any) -> None:
    now = desk.api.core.clock.now()
    row = {"_id": str(ObjectId()), "priority": "P3", "created_at": now, "next_try_at": now}
    await desk.api.core.db["dispatch_queue"].insert_one(row | fields)


async def gaps_of(desk: Desk, **params: Any) -> dict[str, Any]:
    answer = await desk.get("/dispatch/coverage-gaps", **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_nobody_with_a_skill_in_a_zone_on_sunday_is_a_gap(desk: Desk) -> None:
    wanted = {"skill": "elevator_inspection", "zone_id": "SI95"}
    elevator = {"skills": ["elevator_inspection"], "coverage": {"zone_ids": ["SI95"]}}
    await no_one_else(desk, "elevator_inspection")
    (whole,) = (await gaps_of(desk, **wanted))["gaps"]
    assert [day["weekday"] for day in whole["days"]] == [*WEEK[1:], "mon"]
    assert all(day["whole"] for day in whole["days"])
    weekdays = [shift for shift in ALWAYS if shift["day"] != "sun"]
    await desk.hire(**elevator, schedule=on(weekdays))
    found = await gaps_of(desk, **wanted)
    assert (found["first_day"], found["last_day"]) == ("2026-03-03", "2026-03-09")
    assert found["timezone"] == "America/New_York"
    (gap,) = found["gaps"]
    assert (gap["skills"], gap["zone_ids"]) == (["elevator_inspection"], ["SI95"])
    sunday = {"day": "2026-03-08", "weekday": "sun", "minutes": 23 * 60, "whole": True}
    assert gap["days"] == [sunday]
    span = {"starts_at": "2026-03-08T05:00:00Z", "ends_at": "2026-03-09T04:00:00Z"}
    assert gap["uncovered"] == gap["beyond_on_call"] == [span]
    await desk.hire(**elevator, schedule=on([], on_call=True))
    (gap,) = (await gaps_of(desk, **wanted))["gaps"]
    assert (gap["uncovered"], gap["beyond_on_call"]) == ([span], [])
    await desk.hire(**elevator, schedule=on(ALWAYS))
    assert (await gaps_of(desk, **wanted))["gaps"] == []


async def no_one_else(desk: Desk, skill: str) -> None:
    """Let the city's own people with a skill be gone."""
    agents = desk.api.core.db["service_agents"]
    await agents.update_many({"skills": skill}, {"$set": {"active": False}})


async def test_gaps_name_each_category_and_zone_once(desk: Desk) -> None:
    found = (await gaps_of(desk))["gaps"]
    pairs = Counter(
        (category, zone)
        for gap in found
        for category in gap["categories"]
        for zone in gap["zone_ids"]
    )
    assert set(pairs.values()) == {1}
    category = found[0]["categories"][0]
    only = (await gaps_of(desk, category=category))["gaps"]
    assert {(tuple(gap["categories"])) for gap in only} == {(category,)}
    zones = {zone for code, zone in pairs if code == category}
    assert {zone for gap in only for zone in gap["zone_ids"]} == zones


async def test_a_skill_is_asked_of_the_categories_that_need_it(desk: Desk) -> None:
    shared = await category_of(desk, {"roads", "traffic_signals"})
    found = (await gaps_of(desk, category=shared, skill="traffic_signals"))["gaps"]
    told = {(tuple(gap["categories"]), tuple(gap["skills"])) for gap in found}
    assert told == {((shared,), ("traffic_signals",))}


@pytest.mark.parametrize(
    ("path", "params", "field", "allowed"),
    [
        ("/dispatch/coverage-gaps", {"category": "potholes"}, "category", "pothole"),
        ("/dispatch/coverage-gaps", {"zone_id": "MN99"}, "zone_id", "MN03"),
        ("/dispatch/coverage-gaps", {"skill": "magic"}, "skill", "roads"),
        (
            "/dispatch/coverage-gaps",
            {"category": "pothole", "skill": "forestry"},
            "skill",
            "roads",
        ),
        ("/dispatch/load", {"group_by": "team"}, "group_by", None),
        ("/dispatch/load", {"group_by": "zone", "cursor": "A"}, "cursor", None),
        ("/dispatch/load", {"group_by": "skill", "limit": 3}, "limit", None),
        ("/dispatch/load", {"limit": 501}, "limit", None),
        (f"/agents/{'0' * 24}/worklist", {"cursor": "first"}, "cursor", None),
        (f"/agents/{'0' * 24}/worklist", {"limit": 0}, "limit", None),
        ("/agents/tess/worklist", {}, "agent_id", None),
    ],
)
async def test_a_wrong_question_is_refused(
    desk: Desk, path: str, params: dict[str, Any], field: str, allowed: str | None
) -> None:
    answer = await desk.get(path, **params)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert answer.headers["content-type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert "value" in error
    if allowed is not None:
        assert error["value"] == params[field]
        assert allowed in error["allowed"]
