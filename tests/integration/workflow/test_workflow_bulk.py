"""Many steps in one call: an answer for each, and none stops another."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cst_testkit.desk import Desk, fields_of

PATH = "/requests/transitions"


async def test_each_item_has_its_own_answer(desk: Desk) -> None:
    good, closed = await desk.reach("new"), await desk.reach("closed")
    stale, late = await desk.reach("new"), await desk.reach("new")
    await desk.hold(late)
    items: list[dict[str, Any]] = [
        {"request_id": "CST-2001-0001", "to": "triaged"},
        {"request_id": good, "to": "triaged", "priority": "P2", "note": "Deep"},
        {"request_id": closed, "to": "triaged"},
        {"request_id": stale, "to": "triaged", "expected_version": 7},
        {"request_id": late, "to": "triaged"},
    ]
    async with desk.untouched(closed), desk.untouched(stale), desk.untouched(late):
        answer = await desk.post(PATH, items=items)
    assert answer.status_code == 200, answer.text
    outcomes = answer.json()["items"]
    assert [item["request_id"] for item in outcomes] == [item["request_id"] for item in items]
    assert [item["ok"] for item in outcomes] == [False, True, False, False, False]
    assert (outcomes[1]["status"], outcomes[1]["version"]) == ("triaged", 2)
    kinds = [item["problem"]["type"] for item in outcomes if not item["ok"]]
    assert kinds == [
        f"/problems/{kind}"
        for kind in ("not-found", "transition-refused", "stale-version", "conflict")
    ]
    assert outcomes[2]["problem"]["allowed_next"] == []
    assert outcomes[3]["problem"]["current_version"] == 1
    document = await desk.load(good)
    assert (document["priority"], document["internal"]["notes"]) == ("P2", ["Deep"])


async def test_an_item_that_misses_a_field_names_it(desk: Desk) -> None:
    request_id = await desk.reach("triaged")
    async with desk.untouched(request_id):
        answer = await desk.post(PATH, items=[{"request_id": request_id, "to": "assigned"}])
    [outcome] = answer.json()["items"]
    assert outcome["problem"]["status"] == 422
    assert [error["field"] for error in outcome["problem"]["errors"]] == ["assigned_agent_id"]


async def test_one_agents_capacity_is_not_overdrawn(desk: Desk) -> None:
    agent = await desk.hire(capacity=2)
    ids = [await desk.reach("triaged") for _ in range(4)]
    items = [{"request_id": i, "to": "assigned", "assigned_agent_id": agent["id"]} for i in ids]
    answers = await asyncio.gather(*(desk.post(PATH, items=[item]) for item in items))
    taken = [answer.json()["items"][0]["ok"] for answer in answers]
    assert taken.count(True) == 2
    assert await desk.load_of(agent) == 2


async def test_the_same_request_twice_is_refused_whole(desk: Desk) -> None:
    first, second = await desk.reach("new"), await desk.reach("new")
    items = [{"request_id": request_id, "to": "triaged"} for request_id in (first, second, first)]
    async with desk.untouched(first), desk.untouched(second):
        answer = await desk.post(PATH, items=items)
        assert (answer.status_code, fields_of(answer)) == (422, ["items.2.request_id"])


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([{"request_id": f"CST-2026-{n:04d}", "to": "triaged"} for n in range(101)], "items"),
        ([{"to": "triaged"}], "items.0.request_id"),
        ([{"request_id": "CST-2026-0001"}], "items.0.to"),
        ([{"request_id": "x", "to": "triaged"}], "items.0.request_id"),
        ([{"request_id": "CST-2026-0001", "to": "triaged", "mood": 1}], "items.0.mood"),
    ],
    ids=["none", "too many", "no id", "no step", "no such id", "unknown field"],
)
async def test_a_wrong_list_is_refused_whole(desk: Desk, items: Any, field: str) -> None:
    answer = await desk.post(PATH, items=items)
    assert (answer.status_code, fields_of(answer)) == (422, [field])


@pytest.mark.parametrize(("role", "status"), [("citizen", 403), ("agent", 200)])
async def test_who_may_send_lists(desk: Desk, role: str, status: int) -> None:
    request_id = await desk.reach("new")
    async with desk.untouched(request_id):
        answer = await desk.post(PATH, role, items=[{"request_id": request_id, "to": "triaged"}])
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["items"][0]["problem"]["status"] == 403


async def test_of_two_hundred_steps_at_once_one_wins(desk: Desk) -> None:
    request_id = await desk.reach("new")
    item = {"request_id": request_id, "to": "triaged"}
    answers = await asyncio.gather(*(desk.post(PATH, items=[item]) for _ in range(200)))
    assert [answer.json()["items"][0]["ok"] for answer in answers].count(True) == 1
    assert (await desk.types(request_id)) == ["created", "triaged"]
