"""Agents are changed: what is set, what never is, and what happens at the same moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from bson import ObjectId

from cst_city.loader import City
from cst_city.store import store_city
from cst_contracts.agents import ChangeAgent
from cst_core.clock import Clock
from cst_core.errors import Unavailable
from cst_dispatch.agents import AgentService
from cst_ledger.events import Document
from cst_mongo.transactions import transact
from cst_roster import Roster
from cst_testkit.apps import Api
from cst_testkit.cities import new_york

SHIFTS = [{"day": "mon", "start": "22:00", "end": "06:00"}]
CHANGES: dict[str, Any] = {
    "name": "$name. Ångström",
    "department": "DEP",
    "skills": ["roads", "forestry"],
    "coverage": {"zone_ids": ["MN04", "MN05"], "geo_fence": None},
    "schedule": {"timezone": "America/Chicago", "shifts": SHIFTS, "on_call": True},
    "contacts": {"phone": "$5"},
    "roles": ["agent", "supervisor"],
    "capacity": 40,
}


async def hire(api: Api, **overrides: Any) -> str:
    """Add a person of lower Manhattan's roads, or a team; return the id."""
    body = {"capacity": None if overrides.get("kind") == "team" else 20}
    return str((await api.hire(**body | overrides))["id"])


async def change(api: Api, agent_id: str, **fields: Any) -> httpx.Response:
    headers = api.as_("dispatcher")
    return await api.client.patch(f"/agents/{agent_id}", json=fields, headers=headers)


async def stored(api: Api, agent_id: str) -> Document:
    found = await api.core.db["service_agents"].find_one({"_id": ObjectId(agent_id)})
    assert found is not None
    return found


async def reserve(api: Api, agent_id: str) -> None:
    """Give a person one more piece of work, without a request."""
    roster, now = Roster(api.core.db), api.core.clock.now()
    taken = await transact(
        api.core.db, lambda session: roster.reserve(ObjectId(agent_id), now, session)
    )
    assert taken is not None


async def team_id(api: Api, code: str) -> str:
    found = await api.core.db["service_agents"].find_one({"agent_code": code})
    assert found is not None
    return str(found["_id"])


@pytest.mark.parametrize(("field", "value"), CHANGES.items())
async def test_a_field_is_changed_and_no_other(api: Api, field: str, value: Any) -> None:
    agent_id = await hire(api)
    before = await stored(api, agent_id)
    answer = await change(api, agent_id, **{field: value})
    assert (answer.status_code, answer.json()[field]) == (200, value), answer.text
    after = await stored(api, agent_id)
    assert {name for name in after if after[name] != before[name]} == {field, "roster_number"}
    assert after["roster_number"] > before["roster_number"]


async def test_what_stays_as_it_is_is_not_written(api: Api) -> None:
    agent_id = await hire(api)
    before = await stored(api, agent_id)
    same = {"agent_code": before["agent_code"], "kind": "person", "name": "Tess Ting"}
    assert (await change(api, agent_id, **same)).status_code == 200
    assert await stored(api, agent_id) == before


async def test_code_and_kind_stay_and_all_problems_are_named(api: Api) -> None:
    agent_id = await hire(api)
    before = await stored(api, agent_id)
    wrong = {
        "agent_code": "ELSE-1",
        "kind": "team",
        "department": "NASA",
        "skills": ["juggling"],
        "coverage": {"zone_ids": ["ZZ99"]},
        "schedule": {"timezone": "Mars/Olympus", "shifts": [*SHIFTS, *SHIFTS]},
        "capacity": 0,
        "roles": ["king"],
        "name": None,
    }
    errors = {e["field"]: e for e in (await change(api, agent_id, **wrong)).json()["errors"]}
    assert set(errors) == {
        "agent_code",
        "kind",
        "department",
        "skills",
        "coverage.zone_ids",
        "schedule.timezone",
        "schedule.shifts.1",
        "capacity",
        "roles.0",
        "name",
    }
    assert errors["kind"]["allowed"] == ["person"]
    assert "DOT" in errors["department"]["allowed"]
    assert errors["coverage.zone_ids"]["value"] == "ZZ99"
    assert await stored(api, agent_id) == before


async def test_a_lower_capacity_than_is_open_means_nothing_more(api: Api) -> None:
    agent_id = await hire(api, capacity=4)
    assert (await stored(api, agent_id))["load_share"] == 0.0
    for _ in range(3):
        await reserve(api, agent_id)
    assert (await change(api, agent_id, capacity=2)).status_code == 200
    after = await stored(api, agent_id)
    assert (after["open_assignments"], after["capacity"], after["load_share"]) == (3, 2, 1.5)
    with pytest.raises(AssertionError):
        await reserve(api, agent_id)


async def test_a_team_has_no_capacity_and_may_be_changed(api: Api) -> None:
    agent_id = await team_id(api, "DOT-TEAM")
    answer = await change(api, agent_id, name="Streets")
    assert (answer.status_code, answer.json()["name"]) == (200, "Streets"), answer.text
    assert (await stored(api, agent_id))["load_share"] is None
    assert (await change(api, agent_id, capacity=3)).status_code == 422


async def test_the_last_team_of_a_department_stays(api: Api) -> None:
    parks = await team_id(api, "DPR-TEAM")
    for fields in ({"active": False}, {"department": "DOT"}):
        answer = await change(api, parks, **fields)
        assert answer.status_code == 409, answer.text
        assert answer.json()["detail"] == ("department DPR would have no team; add another first")
    assert (await stored(api, parks))["active"]
    other = await hire(api, kind="team", department="DPR")
    answers = await asyncio.gather(*(change(api, one, active=False) for one in (parks, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 409], "never both"


async def test_who_leaves_may_though_their_zone_is_gone(api: Api) -> None:
    agent_id = await hire(api)
    gone = {"$set": {"coverage.zone_ids": ["OLD1"]}}
    await api.core.db["service_agents"].update_one({"_id": ObjectId(agent_id)}, gone)
    answer = await change(api, agent_id, name="Tom")
    assert [error["field"] for error in answer.json()["errors"]] == ["coverage.zone_ids"]
    answer = await change(api, agent_id, active=False)
    assert (answer.status_code, answer.json()["active"]) == (200, False)


async def test_what_a_deactivated_agent_has_is_passed_on_after_the_commit(api: Api) -> None:
    seen: list[tuple[ObjectId, bool]] = []

    async def hand_over(agent_id: ObjectId) -> int:
        seen.append((agent_id, (await stored(api, str(agent_id)))["active"]))
        free = {"$set": {"open_assignments": 0}}
        await api.core.db["service_agents"].update_one({"_id": agent_id}, free)
        return 1

    agents = AgentService(api.core, on_deactivated=hand_over)
    agent_id = await hire(api)
    await reserve(api, agent_id)
    await agents.change(agent_id, ChangeAgent(name="Tom"))
    assert seen == []
    after = await agents.change(agent_id, ChangeAgent(active=False))
    assert seen == [(ObjectId(agent_id), False)]
    assert (after["active"], after["open_assignments"]) == (False, 0), "as it stands afterwards"


async def test_a_deactivation_holds_though_passing_on_fails(api: Api) -> None:
    async def fail(_: ObjectId) -> int:
        raise Unavailable("not now")

    agent_id = await hire(api)
    agents = AgentService(api.core, on_deactivated=fail)
    assert not (await agents.change(agent_id, ChangeAgent(active=False)))["active"]
    assert not (await stored(api, agent_id))["active"]


async def test_everything_at_the_same_moment_takes_effect(api: Api) -> None:
    agent_id = await hire(api)
    first = (await stored(api, agent_id))["roster_number"]
    headers, now = api.as_("dispatcher"), api.core.clock.now()
    days = [now + timedelta(days=2 * number) for number in range(1, 7)]
    leave = [
        {"starts_at": day.isoformat(), "ends_at": (day + timedelta(days=1)).isoformat()}
        for day in days
    ]
    answers = await asyncio.gather(
        *(change(api, agent_id, **{field: value}) for field, value in CHANGES.items()),
        *(
            api.client.post(f"/agents/{agent_id}/leave", json=body, headers=headers)
            for body in leave
        ),
        *(reserve(api, agent_id) for _ in range(6)),
    )
    assert [answer.status_code for answer in answers if answer] == [200] * 8 + [201] * 6
    after = await stored(api, agent_id)
    assert {field: after[field] for field in CHANGES} == CHANGES
    assert [entry["starts_at"] for entry in after["leave"]] == days
    assert (after["open_assignments"], after["load_share"]) == (6, 6 / 40)
    assert after["last_assigned_at"] is not None
    assert after["roster_number"] == first + 14, "one number each, none for reservations"


async def test_codes_taken_at_the_same_moment_are_taken_once(api: Api) -> None:
    """Also where the series of numbers begins just now."""
    await api.core.db["counters"].delete_one({"_id": "roster"})
    answers = await asyncio.gather(
        *(hire(api, agent_code="SAME-1") for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert all("is taken" in str(error) for error in answers if not isinstance(error, str))


async def load(api: Api, **changes: Any) -> City:
    """Load New York again with its first person changed, whose code is returned with it."""
    city = new_york()
    person = next(agent for agent in city.agents if agent.kind == "person")
    changed = person.model_copy(update=changes)
    agents = tuple(changed if agent is person else agent for agent in city.agents)
    again = replace(city, agents=agents)
    assert await store_city(api.core.db, again, Clock())
    return again


async def test_a_load_numbers_its_agents_and_keeps_what_others_count(api: Api) -> None:
    agents = api.core.db["service_agents"]
    person = next(agent for agent in new_york().agents if agent.kind == "person")
    agent_id = await team_id(api, person.agent_code)
    for _ in range(2):
        await reserve(api, agent_id)
    leave = [{"leave_id": "x", "starts_at": api.core.clock.now(), "ends_at": Clock().now()}]
    kept = {"leave": leave, "position": [-74.0, 40.7]}
    await agents.update_one({"_id": ObjectId(agent_id)}, {"$set": kept})
    before = await stored(api, agent_id)
    city = await load(api, capacity=8, name="$x")
    after = await stored(api, agent_id)
    assert (after["capacity"], after["load_share"], after["name"]) == (8, 0.25, "$x")
    for field in ("open_assignments", "last_assigned_at", "created_at", *kept):
        assert after[field] == before[field], field
    codes = [agent.agent_code for agent in city.agents]
    numbers = await agents.distinct("roster_number", {"agent_code": {"$in": codes}})
    assert numbers == [after["roster_number"]], "one for all of a load"


async def test_a_load_and_reservations_at_the_same_moment_both_count(api: Api) -> None:
    person = next(agent for agent in new_york().agents if agent.kind == "person")
    agent_id = await team_id(api, person.agent_code)
    before = (await stored(api, agent_id))["open_assignments"]
    await asyncio.gather(load(api, capacity=10), *(reserve(api, agent_id) for _ in range(4)))
    after = await stored(api, agent_id)
    assert after["open_assignments"] == before + 4
    assert after["load_share"] == (before + 4) / 10
    fresh = await api.core.db["service_agents"].find_one({"kind": "team", "leave": []})
    assert fresh is not None
    assert fresh["load_share"] is None
