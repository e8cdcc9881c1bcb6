"""Undoing a merge, whatever has become of the two meanwhile, under either rule set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from duplicates_kit import Desk, fresh_place

from app.registry import PROJECTIONS
from cst_core.clock import to_ms
from cst_ledger.events import Document
from cst_testkit.apps import running_api
from cst_testkit.pump import Pump

#: An hour every six seconds, so that time as a duplicate is told from none.
FAST = "2026-03-03T12:00:00-05:00@600"


@pytest.fixture(scope="module")
async def desk(mongo_uri: str) -> AsyncIterator[Desk]:
    """As the folder's, with a fast clock, and the workers of clocks and KPIs."""
    async with running_api(mongo_uri, clock=FAST) as api:
        # Without dispatch nobody is assigned by rule: the tests say who has what.
        yield Desk(api, Pump(api.core, ["workflow", "sla", "geo"]))


async def _pair(desk: Desk, version: str, status: str, agent: dict[str, Any]) -> tuple[str, str]:
    """Return a master in ``status`` with a duplicate that has followed it there."""
    place = fresh_place()
    first, second = await desk.reported(place, place)
    await desk.pin(version, first, second)
    if version == "v1.1" and status in ("resolved", "closed"):
        await desk.take(first, "in_progress", agent["id"])
        await desk.add_photo(first)
        answer = await desk.api.step(first, "resolved", resolution_code="fixed", note="Patched")
        assert answer.status_code == 200, answer.text
        await desk.pump.drain()
    if status != "triaged":
        await desk.take(first, status, agent["id"])
    assert (await desk.load(second))["status"] == status
    return first, second


@dataclass
class Span:
    """The time during which something was done, by the system's clock."""

    start: datetime
    end: datetime

    @classmethod
    def at(cls, instant: datetime) -> Span:
        return cls(instant, instant)


async def _unmerge(desk: Desk, request_id: str) -> tuple[dict[str, Any], Span]:
    """Unmerge, let the workers follow, and return the answer and when it was made."""
    start = desk.api.core.clock.now()
    answer = await desk.unmerge(request_id)
    span = Span(start, desk.api.core.clock.now())
    assert answer.status_code == 200, answer.text
    await desk.pump.drain()
    body: dict[str, Any] = answer.json()
    return body, span


def _clock_had(before: Document, after: Document, *, until: Span) -> None:
    """The clock goes on with the time that it had when the request became a duplicate."""
    linked_at = before["duplicates"]["linked_at"]
    stood = after["due_at"] - before["due_at"]
    assert to_ms(until.start) - linked_at <= stood <= until.end - linked_at
    held = after["workflow"]["held_seconds"] - before["workflow"]["held_seconds"]
    # Whole seconds, and a successor's are the sum of two spans.
    assert abs(held - stood.total_seconds()) < 2


@pytest.mark.parametrize("version", ["v1.0", "v1.1"])
@pytest.mark.parametrize("status", ["triaged", "assigned", "in_progress"])
async def test_what_is_open_goes_on_where_it_is(desk: Desk, version: str, status: str) -> None:
    agent = await desk.hired()
    first, second = await _pair(desk, version, status, agent)
    before = await desk.load(second)
    _, span = await _unmerge(desk, second)
    after, master = await desk.load(second), await desk.load(first)
    assert after["status"] == status
    assert after["duplicates"] == {
        "is_master": True,
        "master_request_id": None,
        "linked_duplicates": [],
        "linked_at": None,
    }
    assert master["duplicates"]["linked_duplicates"] == []
    _clock_had(before, after, until=span)
    charged = 0 if status == "triaged" else 2
    assert await desk.load_of(agent["agent_code"]) == charged
    unlinked = [(await desk.events(each))[-1] for each in (first, second)]
    assert [event["type"] for event in unlinked] == ["duplicate_unlinked"] * 2
    assert [event["meta"]["role"] for event in unlinked] == ["master", "duplicate"]
    await desk.assert_sound()


async def test_a_full_agents_work_goes_to_the_team(desk: Desk) -> None:
    agent = await desk.hired(capacity=1)
    _, second = await _pair(desk, "v1.0", "assigned", agent)
    team = await desk.load_of("DOT-TEAM")
    assert (await desk.unmerge(second)).status_code == 200
    after = await desk.load(second)
    assert after["assignment"]["assignment_policy"] == "team"
    assert await desk.load_of("DOT-TEAM") == team + 1
    assert await desk.load_of(agent["agent_code"]) == 1


async def test_without_room_and_team_it_is_refused(desk: Desk) -> None:
    agent = await desk.hired(capacity=1)
    _, second = await _pair(desk, "v1.0", "assigned", agent)
    before = (await desk.load(second), await desk.events(second))
    agents = desk.api.core.db["service_agents"]
    await agents.update_one({"agent_code": "DOT-TEAM"}, {"$set": {"active": False}})
    try:
        answer = await desk.unmerge(second)
    finally:
        await agents.update_one({"agent_code": "DOT-TEAM"}, {"$set": {"active": True}})
    assert answer.status_code == 409
    assert answer.json()["department"] == "DOT"
    assert (await desk.load(second), await desk.events(second)) == before


async def test_what_was_resolved_is_reopened_where_the_rules_can(desk: Desk) -> None:
    agent = await desk.hired()
    first, second = await _pair(desk, "v1.1", "resolved", agent)
    before = await desk.load(second)
    _, span = await _unmerge(desk, second)
    after = await desk.load(second)
    assert after["status"] == "in_progress"
    assert after["timestamps"]["resolved_at"] is None
    assert after["resolution_code"] is None
    _clock_had(before, after, until=span)
    assert await desk.load_of(agent["agent_code"]) == 1
    assert (await desk.load(first))["status"] == "resolved"
    assert (await desk.types(second))[-3:] == [
        "agent_reserved",
        "duplicate_unlinked",
        "in_progress",
    ]
    await desk.assert_sound()


@pytest.mark.parametrize(
    ("version", "status"), [("v1.0", "resolved"), ("v1.0", "closed"), ("v1.1", "closed")]
)
async def test_what_has_ended_for_good_has_a_successor(
    desk: Desk, version: str, status: str
) -> None:
    agent = await desk.hired()
    first, second = await _pair(desk, version, status, agent)
    before = await desk.load(second)
    answer, span = await _unmerge(desk, second)
    after = await desk.load(second)
    assert (after["status"], after["duplicates"]["is_master"]) == (status, True)
    _clock_had(before, after, until=Span.at(before["timestamps"]["resolved_at"]))
    successor = await desk.load(answer["succeeded_by"])
    assert successor["successor_of"] == second
    assert successor["status"] == "triaged"
    assert successor["duplicates"]["is_master"]
    assert successor["timestamps"]["created_at"] == before["timestamps"]["created_at"]
    _clock_had(before, successor, until=span)
    assert (await desk.load(first))["duplicates"]["linked_duplicates"] == []
    await desk.assert_sound()


async def test_the_pair_is_never_linked_by_rule_again(desk: Desk) -> None:
    agent = await desk.hired()
    first, second = await _pair(desk, "v1.0", "triaged", agent)
    assert (await desk.unmerge(second)).status_code == 200
    place = (await desk.load(second))["location"]["coordinates"]
    await desk.relocate(second, (place[0], place[1]))
    await desk.pump.drain()
    assert (await desk.load(second))["duplicates"]["is_master"]
    (third,) = await desk.reported((place[0], place[1]))
    assert (await desk.load(third))["duplicates"]["master_request_id"] == first


async def test_one_of_many_unmerges_counts(desk: Desk) -> None:
    agent = await desk.hired()
    first, second = await _pair(desk, "v1.0", "assigned", agent)
    answers = await asyncio.gather(*(desk.unmerge(second) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert await desk.load_of(agent["agent_code"]) == 2
    assert (await desk.types(first)).count("duplicate_unlinked") == 1
    await desk.assert_sound()


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x", "expected_version": 999}])
async def test_a_refused_unmerge_leaves_everything_as_it_was(
    desk: Desk, body: dict[str, Any]
) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, place)
    before = [(await desk.load(each), await desk.events(each)) for each in (first, second)]
    answer = await desk.post(f"/requests/{second}/unmerge", **body)
    assert answer.status_code in (409, 422)
    lone = await desk.unmerge(first)
    assert (lone.status_code, "not a duplicate" in lone.text) == (409, True)
    after = [(await desk.load(each), await desk.events(each)) for each in (first, second)]
    assert after == before


async def test_kpis_count_masters_and_tell_duplicates(desk: Desk) -> None:
    before = await _totals(desk)
    place = fresh_place()
    ids = await desk.reported(place, place, place)
    linked = await _totals(desk)
    assert linked["requests"] - before["requests"] == 1
    assert linked["duplicates"] - before["duplicates"] == 2
    assert (await desk.unmerge(ids[2])).status_code == 200
    await desk.pump.drain()
    repaired = await _totals(desk)
    assert repaired["requests"] - before["requests"] == 2
    assert repaired["open"] - before["open"] == 2
    assert repaired["duplicates"] - before["duplicates"] == 1
    groups = (await _kpis(desk, group_by="category"))["groups"]
    assert sum(group["duplicates"] for group in groups) == repaired["duplicates"]
    for name, found in (await _checks(desk)).items():
        assert found == [], name


async def _kpis(desk: Desk, **params: str) -> dict[str, Any]:
    headers = desk.api.as_("supervisor")
    answer = await desk.api.client.get("/analytics/kpis", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def _totals(desk: Desk) -> dict[str, Any]:
    totals: dict[str, Any] = (await _kpis(desk))["totals"]
    return totals


async def _checks(desk: Desk) -> dict[str, list[str]]:
    """Check what the workers of these tests keep; dispatch's is not among them."""
    core, others = desk.api.core, {"queue", "acceptance"}
    return {
        name: await spec.build(core).check()
        for name, spec in PROJECTIONS.items()
        if name not in others
    }
