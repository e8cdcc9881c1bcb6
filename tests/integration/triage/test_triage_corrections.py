"""Corrections by staff: logged with their reason, the policy selected anew, used time kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from triage_kit import Office, fresh_place, problem

from cst_geo import leaf_cell
from cst_ledger.events import NewEvent
from cst_testkit.factories import SYSTEM

MIDTOWN = {"type": "Point", "coordinates": [-73.9857, 40.7484], "address_hint": "5th Ave"}


async def test_another_category_brings_its_policy_and_publicity(office: Office) -> None:
    request_id = await office.triaged()
    created_at = (await office.load(request_id))["timestamps"]["created_at"]
    after = await office.done(
        request_id, "category", "dispatcher", category="sewer_backup", reason="It is the sewer"
    )
    assert (after["category"], after["sub_category"]) == ("sewer_backup", None)
    assert after["public"] == "area"
    assert after["sla_policy"]["policy_id"] == "sewer-backup"
    assert (await office.load(request_id))["due_at"] == created_at + timedelta(hours=6)
    event, raised = (await office.events(request_id))[-2:]
    assert (event["type"], raised["type"]) == ("category_changed", "priority_changed")
    assert (event["meta"]["from_category"], event["meta"]["to_category"]) == (
        "pothole",
        "sewer_backup",
    )
    assert event["meta"]["message"] == "It is the sewer"
    assert (after["priority"], raised["meta"]["rule"]) == (
        "P2",
        "category: default of category sewer_backup",
    )
    assert after["internal"]["notes"] == ["It is the sewer"]
    await office.assert_sound(request_id)


async def test_time_on_hold_is_not_used_up_by_a_correction(office: Office) -> None:
    request_id = await office.triaged()
    await office.slept(request_id, hours=10)
    created_at = (await office.load(request_id))["timestamps"]["created_at"]
    await office.done(request_id, "category", category="graffiti", reason="A tag")
    assert (await office.load(request_id))["due_at"] == created_at + timedelta(hours=720 + 10)


async def test_an_opt_out_outlives_every_category(office: Office) -> None:
    request_id = await office.triaged(share_publicly=False)
    for category, public in (
        ("sewer_backup", "area"),
        ("elevator", "none"),
        ("graffiti", "area"),
    ):
        after = await office.done(request_id, "category", category=category, reason="x")
        assert after["public"] == public
    shared = await office.triaged(category="elevator")
    assert (await office.load(shared))["public"] == "none"
    after = await office.done(shared, "category", category="graffiti", reason="x")
    assert after["public"] == "exact"


async def test_what_staff_have_hidden_stays_hidden(office: Office) -> None:
    request_id = await office.triaged()
    hidden = NewEvent(
        "visibility_changed",
        SYSTEM,
        changes={"public": "none"},
        meta={"from_public": "exact", "to_public": "none"},
    )
    await office.api.core.ledger("intake").record(request_id, lambda _: [hidden])
    after = await office.done(request_id, "category", category="graffiti", reason="x")
    assert after["public"] == "none"


async def test_a_dangerous_category_raises_and_tells_who_is_on_call(office: Office) -> None:
    request_id = await office.triaged(category="tree_pruning", description="A branch")
    after = await office.done(
        request_id, "category", "dispatcher", category="tree_emergency", reason="It hangs"
    )
    assert (after["priority"], after["danger"]["state"]) == ("P1", "unconfirmed")
    assert after["sla_policy"]["policy_id"] == "tree-emergency"
    assert (await office.types(request_id))[-2:] == ["category_changed", "priority_changed"]
    assert await office.open_roles(request_id) == {"on_call", "supervisor"}
    await office.pump.drain()
    assert len(await office.notices(request_id)) == 2


async def test_words_of_the_new_category_raise_and_nothing_lowers(office: Office) -> None:
    request_id = await office.triaged(description="A cyclist fell")
    assert (await office.load(request_id))["priority"] == "P2"
    after = await office.done(request_id, "category", category="street_sign", reason="x")
    assert after["priority"] == "P2"
    raised = await office.triaged(description="A wheelchair cannot pass")
    after = await office.done(raised, "category", category="sidewalk_damage", reason="x")
    assert after["priority"] == "P2"


async def test_a_new_request_is_triaged_again_under_its_new_category(office: Office) -> None:
    request_id = await office.triaged(category="homeless_assistance", description="A hole")
    assert (await office.load(request_id))["status"] == "new"
    await office.done(request_id, "category", category="pothole", reason="It is a hole")
    await office.pump.drain()
    assert (await office.load(request_id))["status"] == "triaged"
    assert (await office.events(request_id))[-1]["meta"]["rule"] == "category:pothole"


async def test_an_assigned_request_keeps_its_assignee(office: Office) -> None:
    request_id = await office.reach("assigned")
    before = (await office.load(request_id))["assignment"]
    await office.done(request_id, "category", category="street_sign", reason="x")
    await office.done(request_id, "location", location=MIDTOWN, reason="x")
    await office.pump.drain()
    after = await office.load(request_id)
    assert (after["assignment"], after["status"]) == (before, "assigned")


async def test_a_place_is_corrected_with_all_that_follows_from_it(office: Office) -> None:
    request_id = await office.triaged(location=fresh_place() | {"address_hint": "Main St"})
    created_at = (await office.load(request_id))["timestamps"]["created_at"]
    await office.done(request_id, "location", "dispatcher", location=MIDTOWN, reason="Wrong corner")
    place = (await office.load(request_id))["location"]
    lon, lat = MIDTOWN["coordinates"]  # type: ignore[misc]
    assert place == {
        "type": "Point",
        "coordinates": [lon, lat],
        "zone_id": "MN05",
        "h3": leaf_cell(lon, lat),
        "located": True,
        "snapped": False,
        "address_hint": "5th Ave",
    }
    after = await office.load(request_id)
    assert after["sla_policy"]["policy_id"] == "pothole-mn05"
    assert after["due_at"] == created_at + timedelta(hours=36)
    event = (await office.events(request_id))[-1]
    assert event["meta"]["from_zone_id"] == "MN03"
    assert "5th Ave" not in str(event["changes"])
    await office.assert_sound(request_id)


async def test_a_place_can_become_unknown_and_known_again(office: Office) -> None:
    request_id = await office.triaged()
    body = {"unknown": True, "address_hint": "Somewhere on Broadway", "reason": "No such corner"}
    await office.done(request_id, "location", **body)
    place = (await office.load(request_id))["location"]
    assert (place["located"], place["h3"], place["zone_id"]) == (False, None, "UNKNOWN")
    assert place["address_hint"] == "Somewhere on Broadway"
    await office.done(request_id, "location", location=fresh_place(), reason="Found it")
    place = (await office.load(request_id))["location"]
    assert (place["located"], place["zone_id"], place["address_hint"]) == (True, "MN03", None)
    await office.assert_sound(request_id)


async def test_a_crew_corrects_the_place_of_its_own_work_only(office: Office) -> None:
    agent = await office.hired("CREW-LOC")
    request_id = await office.file()
    await office.api.step(request_id, "triaged")
    await office.api.step(request_id, "assigned", assigned_agent_id=agent["id"])
    body = {"location": fresh_place(), "reason": "It is across the street"}
    async with office.untouched(request_id):
        answer = await office.act(request_id, "location", "agent", subject="OTHER", **body)
        problem(answer, 403)
    answer = await office.act(request_id, "location", "agent", subject="CREW-LOC", **body)
    assert answer.status_code == 200, answer.text
    assert (await office.events(request_id))[-1]["by"]["actor_type"] == "agent"


async def test_a_priority_is_corrected_with_its_policy(office: Office) -> None:
    request_id = await office.triaged()
    created_at = (await office.load(request_id))["timestamps"]["created_at"]
    after = await office.done(
        request_id, "priority", "dispatcher", priority="P2", reason="A school is near"
    )
    assert (after["priority"], after["sla_policy"]["policy_id"]) == ("P2", "pothole-p2")
    assert (await office.load(request_id))["due_at"] == created_at + timedelta(hours=24)
    event = (await office.events(request_id))[-1]
    assert (event["type"], event["meta"]["rule"]) == ("priority_changed", None)


async def test_only_supervisors_lower_a_p1_or_lengthen_a_promise(office: Office) -> None:
    request_id = await office.triaged()
    await office.done(request_id, "priority", "dispatcher", priority="P1", reason="x")
    async with office.untouched(request_id):
        answer = await office.act(request_id, "priority", "dispatcher", priority="P2", reason="x")
        problem(answer, 403)
    await office.done(request_id, "priority", "supervisor", priority="P2", reason="x")
    async with office.untouched(request_id):
        answer = await office.act(request_id, "priority", "dispatcher", priority="P3", reason="x")
        assert "lengthen" in problem(answer, 403)["detail"]
    await office.done(request_id, "priority", "admin", priority="P3", reason="x")
    # P3 and P4 have the same promise: nothing is lengthened.
    await office.done(request_id, "priority", "dispatcher", priority="P4", reason="x")


GOOD: dict[str, dict[str, Any]] = {
    "category": {"category": "graffiti", "reason": "x"},
    "priority": {"priority": "P2", "reason": "x"},
    "location": {"location": MIDTOWN, "reason": "x"},
}


@pytest.mark.parametrize("what", sorted(GOOD))
@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_what_is_over_is_not_corrected(office: Office, what: str, status: str) -> None:
    request_id = await office.reach(status)
    async with office.untouched(request_id):
        answer = await office.act(request_id, what, **GOOD[what])
    assert problem(answer, 409)["current_state"] == status


@pytest.mark.parametrize("what", sorted(GOOD))
async def test_a_duplicate_is_corrected_at_its_master(office: Office, what: str) -> None:
    place = fresh_place()
    master, duplicate = await office.file(location=place), await office.file(location=place)
    await office.pump.drain()
    async with office.untouched(master, duplicate):
        answer = await office.act(duplicate, what, **GOOD[what])
    assert problem(answer, 409)["master_request_id"] == master


@pytest.mark.parametrize("what", sorted(GOOD))
async def test_a_correction_of_an_older_version_is_refused(office: Office, what: str) -> None:
    request_id = await office.triaged()
    async with office.untouched(request_id):
        answer = await office.act(request_id, what, expected_version=1, **GOOD[what])
        assert problem(answer, 409)["current_version"] == 2
        problem(await office.act(request_id, what, "citizen", **GOOD[what]), 403)
        problem(await office.act(request_id, what, "auditor", **GOOD[what]), 403)


@pytest.mark.parametrize(
    ("what", "body", "status", "field"),
    [
        ("category", {"category": "potole", "reason": "x"}, 422, "category"),
        ("category", {"category": "graffiti"}, 422, "reason"),
        ("category", {"category": "graffiti", "reason": ""}, 422, "reason"),
        ("category", {"category": "pothole", "reason": "x"}, 409, None),
        ("priority", {"priority": "P0", "reason": "x"}, 422, "priority"),
        ("priority", {"priority": "P3", "reason": "x"}, 409, None),
        ("priority", {"priority": "P2", "reason": "x" * 4001}, 422, "reason"),
        ("location", {"reason": "x"}, 422, "location"),
        ("location", {"location": MIDTOWN, "unknown": True, "reason": "x"}, 422, "location"),
        (
            "location",
            {"location": MIDTOWN, "address_hint": "a", "reason": "x"},
            422,
            "address_hint",
        ),
        ("location", {"location": {"coordinates": [2, 48]}, "reason": "x"}, 422, None),
        ("location", {"location": MIDTOWN}, 422, "reason"),
        ("location", {"location": MIDTOWN, "reason": "x", "h3": "8a"}, 422, "h3"),
    ],
)
async def test_a_wrong_correction_changes_nothing(
    office: Office, what: str, body: dict[str, Any], status: int, field: str | None
) -> None:
    request_id = await office.triaged()
    async with office.untouched(request_id):
        answer = await office.act(request_id, what, **body)
        problem(answer, status, *([field] if field else []))


async def test_a_correction_and_steps_at_once_are_all_of_them_told(office: Office) -> None:
    """Whoever is later sees what the earlier has done: no step and no correction is lost."""
    request_id = await office.triaged()
    priorities = ("P2", "P4", "P1")
    answers = await asyncio.gather(
        *(office.act(request_id, "priority", priority=p, reason=f"to {p}") for p in priorities),
        office.act(request_id, "category", category="graffiti", reason="A tag"),
        office.act(request_id, "location", location=MIDTOWN, reason="There"),
        office.act(request_id, "escalate", action="notify:supervisor", reason="Now"),
    )
    assert {answer.status_code for answer in answers} == {200}
    versions = sorted(answer.json()["version"] for answer in answers)
    assert len(set(versions)) == len(answers)
    after = await office.load(request_id)
    assert after["version"] == versions[-1]
    assert (after["category"], after["location"]["zone_id"]) == ("graffiti", "MN05")
    assert len(after["internal"]["notes"]) == len(answers)
    await office.assert_sound(request_id)


async def test_of_corrections_of_one_version_one_wins(office: Office) -> None:
    request_id = await office.triaged()
    version = (await office.load(request_id))["version"]
    answers = await asyncio.gather(
        *(
            office.act(request_id, "category", category=code, reason="x", expected_version=version)
            for code in ("graffiti", "street_sign", "catch_basin", "dead_animal")
        ),
        office.api.step(request_id, "assigned", expected_version=version, assigned_agent_id=None),
    )
    assert [answer.status_code for answer in answers].count(200) == 1
    assert (await office.load(request_id))["version"] == version + 1
    await office.assert_sound(request_id)
