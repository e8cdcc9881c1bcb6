"""Successors, settled disputes, and escalation by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from triage_kit import Office, problem

from cst_core.errors import Conflict
from cst_ledger.events import By, Document
from cst_ledger.views import staff_view
from cst_mongo.client import Session
from cst_mongo.transactions import transact
from cst_workflow.successors import Successors

CHIEF = By("staff", "kchen")
SAME = ("citizen_ref", "category", "sub_category", "priority", "description", "location", "public")


async def succeed(office: Office, request_id: str) -> Document:
    core = office.api.core
    successors = Successors(core)

    async def once(session: Session) -> Document:
        document = await core.ledger("workflow").load(request_id, session)
        return await successors.succeed(document, CHIEF, "It is not done", session)

    return await transact(core.db, once)


async def test_a_successor_takes_over_reporter_words_place_and_clock(office: Office) -> None:
    request_id = await office.reach(
        "closed", share_publicly=False, description="Une fosse", tags=["a"]
    )
    old = await office.load(request_id)
    made = await succeed(office, request_id)
    assert {name: made[name] for name in SAME} == {name: old[name] for name in SAME}
    assert made["status"] == "new"
    assert made["timestamps"]["created_at"] == old["timestamps"]["created_at"]
    assert made["successor_of"] == request_id
    first = (await office.events(made["request_id"]))[0]
    idle = first["at"] - old["timestamps"]["resolved_at"]
    assert made["due_at"] == old["due_at"] + idle
    assert made["workflow"]["held_seconds"] == int(idle.total_seconds())
    assert made["sla_policy"] == old["sla_policy"]
    assert (first["type"], first["service"]) == ("created", "workflow")
    assert first["meta"]["successor_of"] == request_id
    assert first["meta"]["priority_reason"] == f"successor of {request_id}"
    after = await office.load(request_id)
    assert (after["succeeded_by"], after["status"]) == (made["request_id"], "closed")
    assert after["internal"]["notes"][-1] == "It is not done"
    assert staff_view(made)
    await office.assert_sound(request_id)
    await office.assert_sound(made["request_id"])


async def test_a_successor_is_triaged_and_nobodys_duplicate(office: Office) -> None:
    request_id = await office.reach("closed")
    made = (await succeed(office, request_id))["request_id"]
    await office.pump.drain()
    after = await office.load(made)
    assert after["status"] == "triaged"
    assert after["duplicates"]["is_master"]


async def test_there_is_one_successor_however_many_ask(office: Office) -> None:
    request_id = await office.reach("closed")
    stored = await office.api.stored()
    found = await asyncio.gather(
        *(succeed(office, request_id) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(item, dict) for item in found) == 1
    assert sum(isinstance(item, Conflict) for item in found) == 5
    assert await office.api.stored() == stored + 1


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_a_refused_dispute_changes_nothing_else(office: Office, status: str) -> None:
    request_id = await office.reach(status)
    await office.dispute(request_id)
    after = await office.done(
        request_id, "dispute/settle", outcome="refused", reason="The photo shows it done"
    )
    assert (after["dispute"], after["status"], after["succeeded_by"]) == (None, status, None)
    event = (await office.events(request_id))[-1]
    assert (event["type"], event["meta"]["outcome"]) == ("dispute_settled", "refused")
    await office.assert_sound(request_id)


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_under_strict_rules_what_is_upheld_goes_on_in_a_successor(
    office: Office, status: str
) -> None:
    request_id = await office.reach(status)
    await office.dispute(request_id)
    await office.pump.drain()
    assert await office.open_roles(request_id) == {"supervisor"}
    after = await office.done(request_id, "dispute/settle", outcome="upheld", reason="Still there")
    assert (after["dispute"], after["status"]) == (None, status)
    assert (await office.load(after["succeeded_by"]))["successor_of"] == request_id
    assert await office.open_roles(request_id) == set()
    async with office.untouched(request_id):
        again = await office.act(request_id, "dispute/settle", outcome="upheld", reason="x")
    problem(again, 409)


async def test_where_rules_can_reopen_what_is_upheld_is_reopened(office: Office) -> None:
    request_id = await office.reach("resolved", category="street_sign")
    await office.pin(request_id, "v1.1")
    await office.dispute(request_id)
    agent = await office.hired(f"REOPEN-{request_id[-4:]}")
    after = await office.done(
        request_id,
        "dispute/settle",
        outcome="upheld",
        reason="Still bent",
        assigned_agent_id=agent["id"],
    )
    assert (after["status"], after["dispute"]) == ("in_progress", None)
    assert after["assignment"]["assigned_agent_id"] == agent["id"]
    assert (after["resolution_code"], after["succeeded_by"]) == (None, None)
    assert await office.load_of(agent["id"]) == 1
    reopened = (await office.events(request_id))[-1]
    assert (reopened["type"], reopened["meta"]["reopened"]) == ("in_progress", True)
    await office.assert_sound(request_id)


async def test_who_may_settle_what(office: Office) -> None:
    request_id, calm = await office.reach("resolved"), await office.reach("resolved")
    await office.dispute(request_id)
    body = {"outcome": "upheld", "reason": "x"}
    async with office.untouched(request_id, calm):
        problem(await office.act(request_id, "dispute/settle", "dispatcher", **body), 403)
        problem(await office.act(calm, "dispute/settle", **body), 409)
        problem(await office.act(request_id, "dispute/settle", outcome="maybe"), 422, "outcome")
        stale = await office.act(request_id, "dispute/settle", expected_version=1, **body)
        problem(stale, 409)


async def test_of_settlements_at_once_one_counts(office: Office) -> None:
    request_id = await office.reach("closed")
    await office.dispute(request_id)
    stored = await office.api.stored()
    answers = await asyncio.gather(
        *(
            office.act(request_id, "dispute/settle", outcome="upheld", reason=f"{n}")
            for n in range(6)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    assert await office.api.stored() == stored + 1


async def test_an_escalation_is_counted_and_tells_whom_it_names(office: Office) -> None:
    request_id = await office.triaged()
    for action, role in (
        ("notify:dispatcher", "dispatcher"),
        ("notify:on_call", "on_call"),
        ("assign_supervisor", "supervisor"),
    ):
        after = await office.done(
            request_id, "escalate", "dispatcher", action=action, reason="Third call"
        )
        assert role in await office.open_roles(request_id)
    assert after["escalations"] == 3
    event = (await office.events(request_id))[-1]
    assert (event["type"], event["meta"]["action"]) == ("escalated", "assign_supervisor")
    assert event["meta"]["after_hours"] is None
    assert event["meta"]["message"] == "Third call"
    assert not any("Third call" in row["reason"] for row in await office.notices(request_id))
    await office.assert_sound(request_id)


async def test_a_raised_priority_reorders_and_keeps_the_promise(office: Office) -> None:
    request_id = await office.triaged()
    before = await office.load(request_id)
    for expected in ("P2", "P1"):
        after = await office.done(request_id, "escalate", action="raise_priority", reason="x")
        assert after["priority"] == expected
    stored = await office.load(request_id)
    assert (stored["due_at"], stored["sla_policy"]) == (before["due_at"], before["sla_policy"])
    assert stored["escalations"] == 2
    assert (await office.types(request_id))[-2:] == ["escalated", "priority_changed"]
    async with office.untouched(request_id):
        problem(await office.act(request_id, "escalate", action="raise_priority", reason="x"), 409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "promote", "reason": "x"}, "action"),
        ({"action": "notify:citizen", "reason": "x"}, "action"),
        ({"action": "notify:", "reason": "x"}, "action"),
        ({"action": "", "reason": "x"}, "action"),
        ({"action": "x" * 51, "reason": "x"}, "action"),
        ({"action": "raise_priority"}, "reason"),
    ],
)
async def test_an_unknown_action_names_those_there_are(
    office: Office, body: dict[str, Any], field: str
) -> None:
    request_id = await office.triaged()
    async with office.untouched(request_id):
        found = problem(await office.act(request_id, "escalate", **body), 422, field)
    (error,) = found["errors"]
    if error.get("allowed"):
        assert {"notify:supervisor", "raise_priority", "assign_supervisor"} <= {*error["allowed"]}


async def test_what_is_over_is_not_escalated(office: Office) -> None:
    request_id, open_one = await office.reach("resolved"), await office.triaged()
    body = {"action": "notify:admin", "reason": "x"}
    async with office.untouched(request_id, open_one):
        problem(await office.act(request_id, "escalate", **body), 409)
        problem(await office.act(open_one, "escalate", expected_version=1, **body), 409)
        problem(await office.act(open_one, "escalate", "agent", **body), 403)
