"""What v1.1 adds to the lifecycle: rejecting, returning to the pool, reopening."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cst_contracts.requests import TransitionCommand
from cst_core.clock import to_ms
from cst_http.tokens import Caller
from cst_ledger.events import NewEvent
from cst_testkit.desk import Desk, fields_of
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump
from cst_workflow.transitions import TransitionService

#: Photos and notes are asked of potholes under v1.1; this asks for neither.
PLAIN: dict[str, Any] = {"category": "street_light"}


async def dispute(desk: Desk, request_id: str) -> None:
    """Let the reporter dispute, as intake writes it."""
    at = to_ms(desk.api.core.clock.now())
    state = {"at": at, "reason_codes": ["not_fixed"]}
    event = NewEvent(
        "disputed", SYSTEM, changes={"dispute": state}, meta={"reason_codes": ["not_fixed"]}
    )
    await desk.api.core.ledger("test").record(request_id, lambda _: [event])


@pytest.mark.parametrize("status", ["new", "triaged"])
async def test_what_is_no_work_of_theirs_is_rejected(easy_desk: Desk, status: str) -> None:
    request_id = await easy_desk.reach(status)
    answer = await easy_desk.api.step(
        request_id, "closed", resolution_code="spam", note="An advertisement"
    )
    assert answer.status_code == 200, answer.text
    document = await easy_desk.load(request_id)
    assert document["resolution_code"] == "spam"
    assert document["timestamps"]["closed_at"] is not None
    assert document["timestamps"]["resolved_at"] is None
    assert document["workflow"]["allowed_next"] == []
    closed = (await easy_desk.events(request_id))[-1]
    assert closed["meta"]["resolution_code"] == "spam"


async def test_a_rejection_stops_the_clock(easy_desk: Desk) -> None:
    pump = Pump(easy_desk.api.core, ["sla"])
    request_id = await easy_desk.reach("new")
    await easy_desk.api.step(request_id, "closed", resolution_code="spam", note="Spam")
    await pump.drain()
    document = await easy_desk.load(request_id)
    clock = await easy_desk.api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert clock is not None
    assert clock["stopped_at"] == document["timestamps"]["closed_at"]
    assert clock["next_due_at"] is None


@pytest.mark.parametrize("fields", [{}, {"resolution_code": "spam"}, {"note": "No"}], ids=str)
async def test_a_rejection_says_why(easy_desk: Desk, fields: dict[str, Any]) -> None:
    request_id = await easy_desk.reach("triaged")
    async with easy_desk.untouched(request_id):
        answer = await easy_desk.api.step(request_id, "closed", **fields)
        assert answer.status_code == 422
        missing = {"resolution_code", "note"} - fields.keys()
        assert set(fields_of(answer)) == missing


async def test_what_is_returned_to_the_pool_has_no_agent(easy_desk: Desk) -> None:
    agent = await easy_desk.hire()
    request_id = await easy_desk.reach("assigned", agent)
    assert await easy_desk.load_of(agent) == 1
    answer = await easy_desk.api.step(
        request_id, "triaged", "agent", subject=agent["agent_code"], note="My van broke down"
    )
    assert answer.status_code == 200, answer.text
    document = await easy_desk.load(request_id)
    assert document["assignment"]["assigned_agent_id"] is None
    assert document["timestamps"]["assigned_at"] is None
    assert document["workflow"]["allowed_next"] == ["assigned", "closed"]
    assert await easy_desk.load_of(agent) == 0
    assert (await easy_desk.types(request_id))[-2:] == ["triaged", "agent_released"]


async def test_an_agent_returns_their_own_work_only(easy_desk: Desk) -> None:
    agent = await easy_desk.hire()
    request_id = await easy_desk.reach("assigned", agent)
    async with easy_desk.untouched(request_id):
        answer = await easy_desk.api.step(
            request_id, "triaged", "agent", subject="SOMEBODY-1", note="Not mine"
        )
        assert answer.status_code == 403
    assert await easy_desk.load_of(agent) == 1


async def test_reopened_work_goes_on_with_its_agent_and_its_clock(easy_desk: Desk) -> None:
    agent = await easy_desk.hire()
    request_id = await easy_desk.reach("resolved", agent, **PLAIN)
    before = await easy_desk.load(request_id)
    later = easy_desk.later(days=3)
    command = TransitionCommand(to="in_progress", note="It is dark again")
    caller = Caller("mrivera", frozenset({"dispatcher"}))
    await TransitionService(later).transition(request_id, command, caller)
    after = await easy_desk.load(request_id)
    idle = to_ms(later.clock.now()) - before["timestamps"]["resolved_at"]
    assert after["due_at"] == before["due_at"] + idle
    assert after["workflow"]["held_seconds"] == int(idle.total_seconds())
    assert after["timestamps"]["resolved_at"] is None
    assert after["resolution_code"] is None
    assert after["assignment"] == before["assignment"]
    assert await easy_desk.load_of(agent) == 1
    assert (await easy_desk.events(request_id))[-1]["meta"]["reopened"] is True


async def test_reopened_work_may_go_to_somebody_else(easy_desk: Desk) -> None:
    first, second = await easy_desk.hire(), await easy_desk.hire()
    request_id = await easy_desk.reach("resolved", first, **PLAIN)
    answer = await easy_desk.api.step(
        request_id, "in_progress", assigned_agent_id=second["id"], note="Not fixed"
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["assignment"]["assigned_agent_id"] == second["id"]
    assert [await easy_desk.load_of(agent) for agent in (first, second)] == [0, 1]


async def test_reopening_says_why_and_finds_room_or_nothing_happens(easy_desk: Desk) -> None:
    request_id = await easy_desk.reach("resolved", **PLAIN)
    full = await easy_desk.hire(capacity=1)
    await easy_desk.reach("assigned", full)
    async with easy_desk.untouched(request_id):
        silent = await easy_desk.api.step(request_id, "in_progress")
        assert (silent.status_code, fields_of(silent)) == (422, ["note"])
        crowded = await easy_desk.api.step(
            request_id, "in_progress", assigned_agent_id=full["id"], note="Go"
        )
        assert crowded.status_code == 409
        nobody = await easy_desk.api.step(
            request_id, "in_progress", assigned_agent_id="0" * 24, note="Go"
        )
        assert (nobody.status_code, fields_of(nobody)) == (422, ["assigned_agent_id"])
    assert await easy_desk.load_of(full) == 1


async def test_what_is_disputed_is_settled_by_reopening_and_not_closed_by_hand(
    easy_desk: Desk,
) -> None:
    request_id = await easy_desk.reach("resolved", **PLAIN)
    await dispute(easy_desk, request_id)
    async with easy_desk.untouched(request_id):
        answer = await easy_desk.api.step(request_id, "closed")
        assert answer.status_code == 409
        assert "dispute/settle" in answer.json()["detail"]
    answer = await easy_desk.api.step(request_id, "in_progress", note="They are right")
    assert answer.status_code == 200, answer.text
    assert answer.json()["dispute"] is None
    types = await easy_desk.types(request_id)
    assert types[-3:] == ["dispute_settled", "agent_reserved", "in_progress"]


async def test_the_specifications_rules_know_no_way_back(desk: Desk) -> None:
    agent = await desk.hire()
    for status, target in [("new", "closed"), ("assigned", "triaged"), ("resolved", "in_progress")]:
        request_id = await desk.reach(status, agent)
        async with desk.untouched(request_id):
            answer = await desk.api.step(request_id, target, note="Why not?")
            assert answer.status_code == 409
            assert answer.json()["type"] == "/problems/transition-refused"
    assert await desk.load_of(agent) == 1


async def test_lowering_a_danger_is_not_a_matter_of_triage(desk: Desk) -> None:
    request_id = await desk.reach("new", description="Pothole, and a gas leak in it")
    async with desk.untouched(request_id):
        answer = await desk.api.step(request_id, "triaged", "supervisor", priority="P3")
        assert answer.status_code == 409
        assert f"/requests/{request_id}/danger" in answer.json()["detail"]


async def test_triage_with_another_priority_selects_its_policy(desk: Desk) -> None:
    request_id = await desk.reach("new")
    answer = await desk.api.step(request_id, "triaged", priority="P2")
    assert answer.json()["sla_policy"]["policy_id"] == "pothole-p2"
    document = await desk.load(request_id)
    hours = document["sla_policy"]["target_hours"]
    assert document["due_at"] == document["timestamps"]["created_at"] + timedelta(hours=hours)
