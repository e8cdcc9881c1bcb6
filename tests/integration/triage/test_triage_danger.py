"""Danger: on call is told until somebody takes note; a supervisor confirms it or lowers it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from triage_kit import Office, problem

from cst_contracts.events import RequestEvent
from cst_ledger.wire import cloud_event
from cst_mongo.transactions import transact
from cst_workflow.triage import TriageService

GAS = {"description": "There is a smell of gas here"}


async def dangerous(office: Office, **overrides: object) -> str:
    """File a report of a danger and let the worker have it."""
    return await office.triaged(**{**GAS, **overrides})


async def test_the_create_answer_advises_and_the_worker_tells_who_is_on_call(
    office: Office,
) -> None:
    filed = await office.filed(**GAS)
    assert "call 911" in filed["emergency_advice"]
    assert filed["priority"] == "P1"
    await office.pump.drain()
    notices = await office.notices(filed["request_id"])
    assert [(row["kind"], row["roles"], row["open"]) for row in notices] == [
        ("danger", ["on_call"], True),
        ("danger", ["supervisor"], True),
    ]
    assert all("smell of gas" in row["reason"] for row in notices)


async def test_a_repeated_event_posts_nothing_twice(office: Office) -> None:
    request_id = await dangerous(office)
    stored, core = (await office.events(request_id))[0], office.api.core
    first = RequestEvent.model_validate(cloud_event(stored, "new-york"))
    service = TriageService(core)
    async with office.untouched(request_id):
        await transact(core.db, lambda session: service.take([first], session))


async def test_what_staff_triage_is_told_of_too(office: Office) -> None:
    request_id = await dangerous(office, category="homeless_assistance")
    assert (await office.load(request_id))["status"] == "new"
    assert await office.open_roles(request_id) == {"on_call", "supervisor"}


async def test_a_harmless_report_tells_nobody(office: Office) -> None:
    assert await office.notices(await office.triaged()) == []


async def test_somebody_takes_note_once(office: Office) -> None:
    request_id = await dangerous(office)
    notice_id = f"{request_id}.0.danger.on_call"
    path = f"/inbox/{notice_id}/acknowledge"
    answer = await office.post(path, "dispatcher", subject="mrivera")
    assert answer.status_code == 200, answer.text
    assert answer.json()["acknowledged_by"] == "mrivera"
    event = (await office.events(request_id))[-1]
    assert event["type"] == "notice_acknowledged"
    assert event["meta"] == {"notice_id": notice_id, "kind": "danger", "role": "on_call"}
    async with office.untouched(request_id):
        again = await office.post(path, "supervisor", subject="kchen")
    assert problem(again, 409)["acknowledged_by"] == "mrivera"
    assert await office.open_roles(request_id) == {"supervisor"}
    await office.assert_sound(request_id)


async def test_of_many_who_take_note_at_once_one_does(office: Office) -> None:
    request_id = await dangerous(office)
    path = f"/inbox/{request_id}.0.danger.supervisor/acknowledge"
    answers = await asyncio.gather(
        *(office.post(path, "supervisor", subject=f"s{n}") for n in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 19]
    assert (await office.types(request_id)).count("notice_acknowledged") == 1
    (taken,) = [row for row in await office.notices(request_id) if not row["open"]]
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert taken["acknowledged_by"] == winner.json()["acknowledged_by"]


async def test_a_supervisors_notice_is_not_a_dispatchers_to_take(office: Office) -> None:
    request_id = await dangerous(office)
    path = f"/inbox/{request_id}.0.danger.supervisor/acknowledge"
    async with office.untouched(request_id):
        problem(await office.post(path, "dispatcher"), 403)
    problem(await office.post("/inbox/CST-1999-0001.0.danger.on_call/acknowledge", "admin"), 404)


async def test_the_inbox_is_read_by_role_and_state_page_by_page(office: Office) -> None:
    made = [await dangerous(office) for _ in range(3)]
    await office.post(f"/inbox/{made[1]}.0.danger.on_call/acknowledge", "admin")
    for is_open, expected in ((True, [made[0], made[2]]), (False, [made[1]]), (None, made)):
        query = {"role": "on_call", "limit": 2} | ({} if is_open is None else {"open": is_open})
        rows, cursor = [], None
        while True:
            page = await office.get("/inbox", **query, **({"cursor": cursor} if cursor else {}))
            rows += [row for row in page["items"] if row["request_id"] in made]
            assert all(row["roles"] == ["on_call"] for row in page["items"])
            if (cursor := page["next_cursor"]) is None:
                break
        assert [row["request_id"] for row in rows] == expected


async def test_a_confirmed_danger_stands_and_its_notices_are_done(office: Office) -> None:
    request_id = await dangerous(office)
    after = await office.done(request_id, "danger", decision="confirm", reason="Utility called")
    assert after["danger"]["state"] == "confirmed"
    assert after["priority"] == "P1"
    assert after["internal"]["notes"] == ["Utility called"]
    assert await office.open_roles(request_id) == set()
    assert (await office.types(request_id))[-3:] == [
        "danger_confirmed",
        "notice_acknowledged",
        "notice_acknowledged",
    ]
    async with office.untouched(request_id):
        again = await office.act(request_id, "danger", decision="confirm", reason="x")
    problem(again, 409)
    await office.assert_sound(request_id)


async def test_a_lowered_danger_keeps_the_used_clock(office: Office) -> None:
    request_id = await dangerous(office)
    await office.slept(request_id, hours=5)
    created_at = (await office.load(request_id))["timestamps"]["created_at"]
    after = await office.done(
        request_id, "danger", decision="lower", priority="P3", reason="It was a barbecue"
    )
    assert after["danger"]["state"] == "lowered"
    assert (after["priority"], after["sla_policy"]["target_hours"]) == ("P3", 72)
    stored = await office.load(request_id)
    assert stored["due_at"] == created_at + timedelta(hours=72 + 5)
    event = next(e for e in await office.events(request_id) if e["type"] == "priority_changed")
    assert (event["meta"]["from_priority"], event["meta"]["to_priority"]) == ("P1", "P3")
    problem(await office.act(request_id, "danger", decision="confirm", reason="x"), 409)
    await office.assert_sound(request_id)


async def test_lowered_without_a_priority_it_is_the_categorys(office: Office) -> None:
    request_id = await dangerous(office)
    after = await office.done(request_id, "danger", decision="lower", reason="Harmless")
    assert after["priority"] == "P3"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"decision": "lower", "priority": "P1", "reason": "x"}, "priority"),
        ({"decision": "confirm", "priority": "P2", "reason": "x"}, "priority"),
        ({"decision": "perhaps", "reason": "x"}, "decision"),
        ({"decision": "lower"}, "reason"),
        ({"decision": "lower", "reason": "  "}, "reason"),
        ({"decision": "lower", "reason": "x", "priority": "P9"}, "priority"),
        ({"decision": "lower", "reason": "x", "colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_judgement_changes_nothing(
    office: Office, body: dict[str, str], field: str
) -> None:
    request_id = await dangerous(office)
    async with office.untouched(request_id):
        problem(await office.act(request_id, "danger", **body), 422, field)


async def test_a_category_whose_default_is_p1_asks_for_the_priority(office: Office) -> None:
    request_id = await office.triaged(category="unsafe_building", description="Cracks in the wall")
    async with office.untouched(request_id):
        answer = await office.act(request_id, "danger", decision="lower", reason="Old cracks")
    problem(answer, 422, "priority")


async def test_only_supervisors_judge_and_only_dangers(office: Office) -> None:
    request_id, harmless = await dangerous(office), await office.triaged()
    lower = {"decision": "lower", "reason": "x"}
    async with office.untouched(request_id, harmless):
        problem(await office.act(request_id, "danger", "dispatcher", **lower), 403)
        problem(await office.act(harmless, "danger", **lower), 409)
        stale = await office.act(request_id, "danger", expected_version=99, **lower)
    assert problem(stale, 409)["type"] == "/problems/stale-version"


async def test_a_danger_is_lowered_by_its_route_only(office: Office) -> None:
    request_id = await dangerous(office)
    async with office.untouched(request_id):
        answer = await office.act(request_id, "priority", priority="P3", reason="x")
    assert f"/requests/{request_id}/danger" in problem(answer, 409)["detail"]


async def test_what_has_ended_is_no_danger_any_more(office: Office) -> None:
    request_id = await office.reach("resolved", **GAS)
    await office.pump.drain()
    assert await office.notices(request_id) == []
    problem(await office.act(request_id, "danger", decision="confirm", reason="x"), 409)
