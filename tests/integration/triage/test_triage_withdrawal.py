"""Withdrawal by the reporter, by token or signed link, under both rule sets."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from bson import ObjectId
from triage_kit import Office, fresh_place, problem


async def reported(office: Office, **overrides: Any) -> tuple[str, str]:
    """File a report; return its number and the signature of its reporter's link."""
    filed = await office.filed(**overrides)
    return filed["request_id"], httpx.URL(filed["follow_url"]).params["follow"]


async def withdraw(
    office: Office, request_id: str, signature: str | None, *roles: str, **body: Any
) -> httpx.Response:
    return await office.api.client.post(
        f"/requests/{request_id}/withdraw",
        params={} if signature is None else {"follow": signature},
        json=body,
        headers=office.api.as_(*roles) if roles else {},
    )


@pytest.mark.parametrize("status", ["new", "triaged"])
async def test_under_strict_rules_it_walks_to_resolved(office: Office, status: str) -> None:
    request_id, signature = await reported(office)
    if status == "triaged":
        await office.pump.drain()
    answer = await withdraw(office, request_id, signature, reason="It was my own driveway")
    assert answer.status_code == 200, answer.text
    assert answer.json()["outcome"] == "withdrawn"
    after = await office.load(request_id)
    assert (after["status"], after["resolution_code"]) == ("resolved", "withdrawn")
    assert after["internal"]["notes"] == ["It was my own driveway"]
    assert (await office.types(request_id)) == [
        "created",
        "triaged",
        "agent_reserved",
        "assigned",
        "in_progress",
        "resolved",
        "agent_released",
    ]
    resolved = (await office.events(request_id))[-2]
    assert resolved["by"] == {"actor_type": "citizen", "actor_id": "anonymous"}
    team = await office.api.core.db["service_agents"].find_one(
        {"_id": after["assignment"]["assigned_agent_id"]}
    )
    assert team is not None
    assert (team["agent_code"], team["open_assignments"]) == ("DOT-TEAM", 0)
    await office.assert_sound(request_id)
    async with office.untouched(request_id):
        problem(await withdraw(office, request_id, signature), 409)


@pytest.mark.parametrize("status", ["new", "triaged"])
async def test_where_rules_can_reject_it_is_closed_at_once(office: Office, status: str) -> None:
    request_id, signature = await reported(office)
    await office.pin(request_id, "v1.1")
    if status == "triaged":
        await office.pump.drain()
    answer = await withdraw(office, request_id, signature)
    assert answer.json() == {
        "request_id": request_id,
        "outcome": "withdrawn",
        "status": "closed",
        "version": (await office.load(request_id))["version"],
    }
    closed = (await office.events(request_id))[-1]
    assert (closed["type"], closed["meta"]["rule"]) == ("closed", "withdrawn")
    assert (await office.load(request_id))["resolution_code"] == "withdrawn"


async def test_a_citizen_withdraws_by_their_token(office: Office) -> None:
    citizen = str(ObjectId())
    reference = {"citizen_id": citizen, "anonymous": False}
    request_id = (await office.filed("dispatcher", citizen_ref=reference))["request_id"]
    answer = await office.act(request_id, "withdraw", "citizen", subject=citizen)
    assert answer.status_code == 200, answer.text
    assert (await office.load(request_id))["resolution_code"] == "withdrawn"


@pytest.mark.parametrize("status", ["assigned", "in_progress"])
async def test_once_work_is_under_way_a_dispatcher_is_asked_once(
    office: Office, status: str
) -> None:
    request_id = await office.reach(status)
    signature = office.api.app.state.workflow.withdrawal._links.url(request_id).partition("=")[2]
    answers = [await withdraw(office, request_id, signature, reason="Never mind") for _ in "ab"]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["outcome"] == "asked"
    after = await office.load(request_id)
    assert (after["status"], after["escalations"]) == (status, 0)
    assert after["internal"]["notes"] == ["Never mind"]
    assert await office.open_roles(request_id) == {"dispatcher"}
    assert (await office.types(request_id)).count("escalated") == 1
    await office.assert_sound(request_id)


async def test_what_others_wait_for_or_is_on_hold_is_asked_for(office: Office) -> None:
    place = fresh_place()
    shared, signature = await reported(office, location=place)
    other = await office.file(location=place)
    await office.pump.drain()
    assert not (await office.load(other))["duplicates"]["is_master"]
    assert (await withdraw(office, shared, signature)).status_code == 202
    assert (await office.load(shared))["status"] == "triaged"
    held, signature = await reported(office)
    await office.hold(held)
    assert (await withdraw(office, held, signature)).status_code == 202


async def test_a_danger_is_not_withdrawn(office: Office) -> None:
    request_id, signature = await reported(office, description="A live wire on the road")
    await office.pump.drain()
    async with office.untouched(request_id):
        problem(await withdraw(office, request_id, signature), 409)


async def test_nobody_else_withdraws_it(office: Office) -> None:
    request_id, _ = await reported(office)
    hidden, _ = await reported(office, category="elevator")
    _, foreign = await reported(office)
    async with office.untouched(request_id, hidden):
        problem(await withdraw(office, request_id, None), 403)
        problem(await withdraw(office, request_id, foreign), 403)
        problem(await withdraw(office, request_id, None, "citizen"), 403)
        problem(await withdraw(office, request_id, None, "supervisor"), 403)
        problem(await withdraw(office, hidden, foreign), 404)
        problem(await withdraw(office, request_id, "x" * 65), 422, "follow")


async def test_following_the_link_changes_nothing(office: Office) -> None:
    request_id, signature = await reported(office)
    async with office.untouched(request_id):
        path = f"/requests/{request_id}/withdraw"
        answer = await office.api.client.get(path, params={"follow": signature})
    assert answer.status_code == 405


async def test_a_withdrawal_and_an_assignment_at_once_agree(office: Office) -> None:
    for _ in range(5):
        request_id, signature = await reported(office)
        await office.pump.drain()
        agent = await office.api.core.db["service_agents"].find_one({"agent_code": "DOT-TEAM"})
        assert agent is not None
        step = office.api.step(request_id, "assigned", assigned_agent_id=str(agent["_id"]))
        answer, taken = await asyncio.gather(withdraw(office, request_id, signature), step)
        after = await office.load(request_id)
        if answer.status_code == 200:
            assert (after["status"], taken.status_code) == ("resolved", 409)
        else:
            assert (answer.status_code, taken.status_code) == (202, 200)
            assert after["status"] == "assigned"
        await office.assert_sound(request_id)
