"""Reports without a place, and work found and done on the spot."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from triage_kit import Office, fresh_place, problem

from cst_testkit.apps import unique_key

WALK = [
    "created",
    "triaged",
    "agent_reserved",
    "assigned",
    "in_progress",
    "resolved",
    "agent_released",
]


def work(**overrides: Any) -> dict[str, Any]:
    """Return the body of some work done."""
    body = {
        "category": "pothole",
        "description": "A small hole by the kerb",
        "location": fresh_place(),
        "resolution_code": "fixed",
        "note": "Patched at once",
    }
    return body | overrides


async def record(office: Office, *roles: str, subject: str = "tester", **body: Any) -> Any:
    return await office.post("/requests/on-the-spot", *roles, subject=subject, **body)


async def test_a_crew_records_what_it_found_and_did(office: Office) -> None:
    agent = await office.hired("SPOT-1")
    answer = await record(office, "agent", subject="SPOT-1", **work())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"/requests/{made['request_id']}"
    assert answer.headers["etag"] == f'"{made["version"]}"'
    assert (made["status"], made["resolution_code"]) == ("resolved", "fixed")
    assert made["assignment"]["assigned_agent_id"] == agent["id"]
    assert made["internal"]["notes"] == ["Patched at once"]
    events = await office.events(made["request_id"])
    assert [event["type"] for event in events] == WALK
    assert {event["by"]["actor_id"] for event in events} == {"SPOT-1"}
    assert all(made["timestamps"][f"{step}_at"] for step in ("triaged", "assigned", "resolved"))
    assert events[0]["meta"]["channel"] == "crew"
    assert await office.load_of(agent["id"]) == 0
    await office.assert_sound(made["request_id"])
    await office.pump.drain()
    assert (await office.load(made["request_id"]))["status"] == "resolved"


async def test_a_full_crew_can_still_tell_what_it_did(office: Office) -> None:
    agent = await office.hired("SPOT-FULL")
    request_id = await office.file()
    await office.api.step(request_id, "triaged")
    await office.api.step(request_id, "assigned", assigned_agent_id=agent["id"])
    answer = await record(office, "agent", subject="SPOT-FULL", **work())
    assert answer.status_code == 201, answer.text
    assert await office.load_of(agent["id"]) == 1


async def test_staff_record_for_a_crew(office: Office) -> None:
    agent = await office.hired("SPOT-2")
    answer = await record(office, "dispatcher", **work(assigned_agent_id=agent["id"]))
    assert answer.status_code == 201, answer.text
    events = await office.events(answer.json()["request_id"])
    assert {event["by"]["actor_type"] for event in events} == {"staff"}


async def test_the_same_key_records_the_work_once(office: Office) -> None:
    await office.hired("SPOT-3")
    headers = office.api.as_("agent", subject="SPOT-3") | {"Idempotency-Key": unique_key()}
    body, path = work(), "/requests/on-the-spot"
    before = await office.api.stored()
    answers = await asyncio.gather(
        *(office.api.client.post(path, json=body, headers=headers) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [*[200] * 7, 201]
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert await office.api.stored() == before + 1
    again = await office.api.client.post(path, json=body, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    other = await office.api.client.post(path, json=body | {"note": "x"}, headers=headers)
    assert problem(other, 422)["type"] == "/problems/idempotency-mismatch"
    assert await office.api.stored() == before + 1


async def test_the_rules_of_the_city_hold_on_the_spot_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules v1.1 want a photo of a pothole's repair; a sign's needs none."""
    await office.hired("SPOT-4")
    catalog = await office.api.core.catalog.get()
    city = catalog.city.model_copy(update={"rules_version": "v1.1"})
    monkeypatch.setattr(type(catalog), "city", city, raising=False)
    monkeypatch.setitem(catalog.__dict__, "city", city)
    before = await office.api.stored()
    problem(await record(office, "agent", subject="SPOT-4", **work()), 422, "photo")
    assert await office.api.stored() == before
    answer = await record(office, "agent", subject="SPOT-4", **work(category="street_sign"))
    assert answer.status_code == 201, answer.text
    assert answer.json()["workflow"]["transition_rules_version"] == "v1.1"


@pytest.mark.parametrize(
    ("overrides", "status", "field"),
    [
        ({"category": "potole"}, 422, "category"),
        ({"resolution_code": "danced"}, 422, "resolution_code"),
        ({"location": {"coordinates": [2, 48]}}, 422, "location.coordinates"),
        ({"location": None}, 422, "location"),
        ({"note": " "}, 422, "note"),
        ({"assigned_agent_id": None}, 422, "assigned_agent_id"),
        ({"assigned_agent_id": "0" * 24}, 422, "assigned_agent_id"),
        ({"assigned_agent_id": "me"}, 422, "assigned_agent_id"),
        ({"channel": "phone"}, 422, "channel"),
    ],
)
async def test_wrong_work_is_not_recorded(
    office: Office, overrides: dict[str, Any], status: int, field: str
) -> None:
    team = await office.api.core.db["service_agents"].find_one({"agent_code": "DOT-TEAM"})
    assert team is not None
    before = await office.api.stored()
    body = work(assigned_agent_id=str(team["_id"])) | overrides
    problem(await record(office, "dispatcher", **body), status, field)
    assert await office.api.stored() == before


async def test_only_crews_and_dispatching_staff_record_work(office: Office) -> None:
    other = await office.hired("SPOT-5")
    idle = await office.hired("SPOT-6", active=False)
    before = await office.api.stored()
    problem(await record(office, **work()), 401)
    problem(await record(office, "citizen", **work()), 403)
    problem(await record(office, "auditor", **work()), 403)
    problem(await record(office, "agent", subject="NOBODY", **work()), 403)
    mine = work(assigned_agent_id=other["id"])
    problem(await record(office, "agent", subject="SPOT-6", **mine), 403)
    problem(await record(office, "agent", subject="SPOT-6", **work()), 409)
    problem(await record(office, "admin", **work(assigned_agent_id=idle["id"])), 409)
    assert await office.api.stored() == before


async def test_staff_file_by_an_address_alone(office: Office) -> None:
    filed = await office.filed(
        "dispatcher", location=None, address_hint="Behind the school", channel="phone"
    )
    assert (filed["zone_id"], filed["location"]) == ("UNKNOWN", None)
    assert filed["address_hint"] == "Behind the school"
    document = await office.load(filed["request_id"])
    place = document["location"]
    assert (place["located"], place["h3"], place["address_hint"]) == (
        False,
        None,
        "Behind the school",
    )
    created = (await office.events(filed["request_id"]))[0]
    assert created["meta"]["channel"] == "phone"
    assert (created["facts"]["located"], created["facts"]["h3"]) == (False, None)
    assert document["sla_policy"]["policy_id"] == "pothole"
    other = await office.filed("dispatcher", location=None, address_hint="Behind the school")
    await office.pump.drain()
    for request_id in (filed["request_id"], other["request_id"]):
        assert (await office.load(request_id))["duplicates"]["is_master"]
    await office.done(filed["request_id"], "location", location=fresh_place(), reason="Called back")
    assert (await office.load(filed["request_id"]))["location"]["zone_id"] == "MN03"


@pytest.mark.parametrize(
    ("roles", "body", "field"),
    [
        ((), {"location": None, "address_hint": "Main St"}, "location"),
        (("citizen",), {"location": None, "address_hint": "Main St"}, "location"),
        (("agent",), {"location": None, "address_hint": "Main St"}, "location"),
        (("dispatcher",), {"location": None}, "address_hint"),
        (("dispatcher",), {"location": None, "address_hint": " "}, "address_hint"),
        (("dispatcher",), {"address_hint": "Main St"}, "address_hint"),
        ((), {"channel": "phone"}, "channel"),
        (("agent",), {"channel": "desk"}, "channel"),
        (("dispatcher",), {"channel": "pigeon"}, "channel"),
    ],
)
async def test_what_only_staff_say_is_refused_from_others(
    office: Office, roles: tuple[str, ...], body: dict[str, Any], field: str
) -> None:
    before = await office.api.stored()
    report = {"category": "pothole", "description": "A hole", "location": fresh_place()}
    problem(await office.post("/requests/", *roles, **(report | body)), 422, field)
    assert await office.api.stored() == before
