"""Merging by hand, suggestions, and what speaks against either."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from duplicates_kit import Desk, fresh_place, moved


async def _untouched(desk: Desk, *request_ids: str) -> list[Any]:
    """What must be the same before and after a refused command."""
    documents = [await desk.load(request_id) for request_id in request_ids]
    return [documents, [await desk.events(request_id) for request_id in request_ids]]


async def test_merging_links_both_sides(desk: Desk) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 60))
    answer = await desk.merge(second, first, reason="The same hole, wrong address")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["duplicates"]["master_request_id"] == first
    assert answer.headers["ETag"] == f'"{body["version"]}"'
    assert (await desk.groups())[first] == {second}
    linked = (await desk.events(second))[-1]
    assert (linked["meta"]["how"], linked["meta"]["distance_m"]) == ("manual", 60.0)
    assert linked["by"] == {"actor_type": "staff", "actor_id": "tester"}
    assert "The same hole, wrong address" in body["internal"]["notes"]
    await desk.assert_sound()


async def test_the_younger_may_be_the_master_by_hand(desk: Desk) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 60))
    assert (await desk.merge(first, second)).status_code == 200
    assert (await desk.groups())[second] == {first}


async def test_merging_raises_the_master(desk: Desk) -> None:
    place = fresh_place()
    calm = await desk.file(place, "water_leak")
    urgent = await desk.file(place, "water_leak", description="Water, and it smells: a gas leak")
    await desk.pump.drain()
    before = await desk.load(calm)
    assert (await desk.merge(urgent, calm)).status_code == 200
    master = await desk.load(calm)
    assert master["priority"] == "P1" < before["priority"]
    assert master["due_at"] < before["due_at"]
    assert master["sla_policy"] == (await desk.load(urgent))["sla_policy"]
    assert master["danger"]["state"] == "unconfirmed"
    raised = [e for e in await desk.events(calm) if e["type"] == "priority_changed"]
    assert raised[0]["meta"] == {
        "from_priority": before["priority"],
        "to_priority": "P1",
        "rule": "merge",
    }


async def test_chains_are_flattened(desk: Desk) -> None:
    place = fresh_place()
    top, middle, low = await desk.reported(place, moved(place, 60), moved(place, 65))
    assert (await desk.groups())[middle] == {low}
    assert (await desk.merge(middle, top)).status_code == 200
    assert (await desk.groups())[top] == {middle, low}
    flattened = (await desk.events(low))[-1]
    assert flattened["type"] == "duplicate_linked"
    assert flattened["meta"]["how"] == "flattened"
    (last,) = await desk.reported(moved(place, 60, 60))
    assert (await desk.merge(last, low)).status_code == 200
    assert (await desk.groups())[top] == {middle, low, last}
    await desk.assert_sound()


async def test_an_agents_capacity_comes_back(desk: Desk) -> None:
    place, agent = fresh_place(), await desk.hired()
    first, second = await desk.reported(place, moved(place, 60))
    await desk.take(second, "assigned", agent["id"])
    assert await desk.load_of(agent["agent_code"]) == 1
    assert (await desk.merge(second, first)).status_code == 200
    assert await desk.load_of(agent["agent_code"]) == 0
    assert (await desk.types(second))[-2:] == ["agent_released", "duplicate_linked"]


async def _refusals(desk: Desk) -> dict[str, tuple[str, str, dict[str, Any], int, str]]:
    """Return by name: the request, its master, the rest of the body, the status, what it names."""
    place, agent = fresh_place(), await desk.hired()
    open_, other = await desk.reported(place, moved(place, 60))
    (light,) = await desk.reported(place, category="street_light")
    (done,) = await desk.reported(moved(place, 0, 60))
    await desk.take(done, "resolved", agent["id"])
    (duplicate,) = await desk.reported(place)
    (held,) = await desk.reported(moved(place, 60, 60))
    await desk.hold(held)
    return {
        "itself": (open_, open_, {}, 422, "master_request_id"),
        "no such master": (open_, "CST-2001-0001", {}, 422, "master_request_id"),
        "its own duplicate": (open_, duplicate, {}, 409, "itself"),
        "another category": (light, open_, {}, 409, "street_light"),
        "a resolved master": (open_, done, {}, 409, "resolved"),
        "a resolved duplicate": (done, open_, {}, 409, "resolved"),
        "a duplicate already": (duplicate, other, {}, 409, open_),
        "on hold": (held, open_, {}, 409, "hold"),
        "stale": (other, open_, {"expected_version": 999}, 409, "version"),
        "unknown field": (other, open_, {"force": True}, 422, "force"),
        "empty reason": (other, open_, {"reason": ""}, 422, "reason"),
    }


async def test_a_refused_merge_leaves_everything_as_it_was(desk: Desk) -> None:
    for name, (request_id, master, rest, status, named) in (await _refusals(desk)).items():
        ids = [each for each in (request_id, master) if each != "CST-2001-0001"]
        before = await _untouched(desk, *ids)
        answer = await desk.merge(request_id, master, **rest)
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert named in answer.text, name
        assert await _untouched(desk, *ids) == before, name


@pytest.mark.parametrize("roles", [("citizen",), ("agent",), ("auditor",)])
async def test_merging_is_for_dispatchers(desk: Desk, roles: tuple[str, ...]) -> None:
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 60))
    for path, body in (
        (f"/requests/{second}/merge", {"master_request_id": first}),
        (f"/requests/{second}/unmerge", {"reason": "x"}),
        ("/duplicates/suggestions/x.y", {"decision": "refuse"}),
    ):
        assert (await desk.post(path, *roles, **body)).status_code == 403


async def _merge_insistently(desk: Desk, request_id: str, master_id: str) -> int:
    """On a busy machine a merge may run out of time; nothing was done then, so again."""
    while (status := (await desk.merge(request_id, master_id)).status_code) == 503:
        continue
    return status


async def test_many_merges_at_once_make_one_group(desk: Desk) -> None:
    place = fresh_place()
    ids = await desk.reported(*(moved(place, 0, 25 * n) for n in range(7)))
    pairs = [(one, other) for one in ids for other in ids if one != other]
    statuses = await asyncio.gather(*(_merge_insistently(desk, *pair) for pair in pairs))
    assert set(statuses) == {200, 409}
    assert statuses.count(200) == len(ids) - 1
    groups = {m: g for m, g in (await desk.groups()).items() if m in ids}
    assert len(groups) == 1
    ((master, linked),) = groups.items()
    assert linked == set(ids) - {master}
    await desk.assert_sound()


async def _suggested(desk: Desk) -> tuple[str, str, dict[str, Any]]:
    """Two noises near each other: return them and the suggestion."""
    place = fresh_place()
    first, second = await desk.reported(place, moved(place, 30), category="construction_noise")
    rows = await _open_suggestions(desk)
    (row,) = (row for row in rows if row["request_id"] == second)
    assert row["master_request_id"] == first
    return first, second, row


async def _open_suggestions(desk: Desk, limit: int = 3) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        answer = await desk.api.client.get(
            "/duplicates/suggestions", params=params, headers=desk.api.as_("dispatcher")
        )
        assert answer.status_code == 200, answer.text
        rows += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return rows
        params["cursor"] = answer.json()["next_cursor"]


async def test_a_suggestion_changes_nothing_until_it_is_confirmed(desk: Desk) -> None:
    first, second, row = await _suggested(desk)
    assert (await desk.load(second))["duplicates"]["is_master"]
    assert "duplicate_suggested" in await desk.types(second)
    answer = await desk.post(f"/duplicates/suggestions/{row['suggestion_id']}", decision="confirm")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["decided_by"]) == ("confirmed", "tester")
    assert (await desk.groups())[first] == {second}
    assert (await desk.events(second))[-1]["meta"]["how"] == "suggestion"
    assert row["suggestion_id"] not in [r["suggestion_id"] for r in await _open_suggestions(desk)]
    again = await desk.post(f"/duplicates/suggestions/{row['suggestion_id']}", decision="refuse")
    assert again.status_code == 409
    assert again.json()["decided_by"] == "tester"


async def test_what_was_refused_is_never_suggested_again(desk: Desk) -> None:
    _, second, row = await _suggested(desk)
    path = f"/duplicates/suggestions/{row['suggestion_id']}"
    answer = await desk.post(path, decision="refuse", reason="Two building sites")
    assert answer.json()["state"] == "refused"
    assert (await desk.types(second))[-1] == "duplicate_refused"
    place = (await desk.load(second))["location"]["coordinates"]
    await desk.relocate(second, moved(tuple(place), 1))
    await desk.pump.drain()
    assert row["suggestion_id"] not in [r["suggestion_id"] for r in await _open_suggestions(desk)]
    assert (await desk.types(second)).count("duplicate_suggested") == 1


async def test_a_suggestion_goes_with_what_it_was_made_of(desk: Desk) -> None:
    _, second, row = await _suggested(desk)
    await desk.relocate(second, fresh_place())
    await desk.pump.drain()
    assert row["suggestion_id"] not in [r["suggestion_id"] for r in await _open_suggestions(desk)]
    answer = await desk.post(f"/duplicates/suggestions/{row['suggestion_id']}", decision="confirm")
    assert answer.status_code == 409


async def test_one_of_two_decisions_counts(desk: Desk) -> None:
    _, second, row = await _suggested(desk)
    path = f"/duplicates/suggestions/{row['suggestion_id']}"
    answers = await asyncio.gather(
        *(desk.post(path, decision=d) for d in ("confirm", "refuse") * 5)
    )
    assert sorted(a.status_code for a in answers) == [200] + [409] * 9
    types = await desk.types(second)
    assert types.count("duplicate_refused") + types.count("duplicate_linked") == 1


@pytest.mark.parametrize("cursor", ["x", "e30", "WzEsMl0", "WyJ4IiwieSJd"])
async def test_a_strange_cursor_is_refused(desk: Desk, cursor: str) -> None:
    answer = await desk.api.client.get(
        "/duplicates/suggestions", params={"cursor": cursor}, headers=desk.api.as_("dispatcher")
    )
    assert answer.status_code == 422
    assert "cursor" in answer.text


async def test_there_is_no_such_suggestion(desk: Desk) -> None:
    answer = await desk.post("/duplicates/suggestions/CST-1.CST-2", decision="refuse")
    assert answer.status_code == 404
