"""The inbox as staff read it: by role, department, zone, kind and state; and who may take note."""

from __future__ import annotations

from typing import Any

import pytest
from inbox_kit import Staff

from cst_inbox import NOTICES, Wanted

MIDTOWN = {"type": "Point", "coordinates": [-73.9857, 40.7484]}


async def test_a_notice_shows_what_there_is_to_know_at_a_glance(staff: Staff) -> None:
    request_id = await staff.danger()
    (row,) = await staff.inbox(role="on_call")
    stored = await staff.notice(f"{request_id}.0.danger.on_call")
    reason = (await staff.load(request_id))["danger"]["reason"]
    assert row.pop("at") < row.pop("repeat_at")
    assert row == {
        "notice_id": stored["_id"],
        "request_id": request_id,
        "kind": "danger",
        "roles": ["on_call"],
        "reason": reason,
        "category": "pothole",
        "department": "DOT",
        "zone_id": "MN03",
        "priority": "P1",
        "open": True,
        "repeats": 0,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "closed_because": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "gas lamp park"),
        ({"role": "admin"}, "park"),
        ({"role": ["admin", "on_call"]}, "gas park"),
        ({"department": "DOT"}, "gas lamp"),
        ({"department": "DPR"}, "park"),
        ({"department": "DOT", "zone_id": "MN05"}, "lamp"),
        ({"zone_id": "MN03"}, "gas park"),
        ({"zone_id": "UNKNOWN"}, ""),
        ({"kind": "danger"}, "gas"),
        ({"kind": "escalation", "role": "dispatcher"}, "lamp"),
        ({"open": False}, "park"),
        ({"open": True, "role": "dispatcher"}, "lamp"),
    ],
    ids=str,
)
async def test_the_inbox_is_narrowed(staff: Staff, query: dict[str, Any], expected: str) -> None:
    made = {
        await staff.danger(): "gas",
        (await staff.told("dispatcher", location=MIDTOWN)).partition(".")[0]: "lamp",
    }
    closed = await staff.told("admin", category="park_maintenance")
    made[closed.partition(".")[0]] = "park"
    assert (await staff.acknowledge(closed, "admin")).status_code == 200
    rows = await staff.inbox(**query)
    assert sorted({made[row["request_id"]] for row in rows}) == expected.split()


async def test_what_concerns_several_roles_is_in_the_inbox_once(staff: Staff) -> None:
    notice_id = await staff.told("on_call")
    await staff.pass_time(hours=5)
    rows = await staff.inbox()
    assert [(row["notice_id"], row["roles"]) for row in rows] == [
        (notice_id, ["on_call", "dispatcher"])
    ]
    for role in ("on_call", "dispatcher"):
        assert len(await staff.inbox(role=role)) == 1


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ({"role": "king"}, "role", "on_call"),
        ({"role": ["admin", "king"]}, "role", "on_call"),
        ({"department": "FAIRIES"}, "department", "DOT"),
        ({"zone_id": "MN99"}, "zone_id", "UNKNOWN"),
        ({"kind": "gossip"}, "kind", "danger"),
        ({"open": "perhaps"}, "open", ""),
        ({"cursor": "x"}, "cursor", ""),
        ({"limit": 0}, "limit", ""),
    ],
    ids=str,
)
async def test_a_wrong_question_is_told_what_is_allowed(
    staff: Staff, query: dict[str, Any], field: str, allowed: str
) -> None:
    answer = await staff.asked(**query)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"].startswith(field)
    assert error["value"] in ("king", "FAIRIES", "MN99", "gossip", "perhaps", "x", "0", 0)
    assert allowed in str(error)


@pytest.mark.parametrize(
    ("first", "hours", "may", "as_role"),
    [
        ("on_call", 0, "dispatcher", "on_call"),
        ("on_call", 5, "dispatcher", "dispatcher"),
        ("dispatcher", 5, "dispatcher", "dispatcher"),
        ("dispatcher", 5, "admin", "supervisor"),
        ("supervisor", 5, "supervisor", "supervisor"),
        ("supervisor", 5, "admin", "admin"),
    ],
)
async def test_whoever_answers_for_one_of_its_roles_takes_note(
    staff: Staff, first: str, hours: int, may: str, as_role: str
) -> None:
    notice_id = await staff.told(first)
    await staff.pass_time(hours=hours)
    answer = await staff.acknowledge(notice_id, may)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["open"], answer.json()["repeat_at"]) == (False, None)
    request_id = notice_id.partition(".")[0]
    (event,) = await staff.events(request_id, "notice_acknowledged")
    assert event["meta"]["role"] == as_role


async def test_a_notice_for_those_above_is_not_a_dispatchers_to_take(staff: Staff) -> None:
    notice_id = await staff.told("supervisor")
    await staff.pass_time(hours=5)
    answer = await staff.acknowledge(notice_id, "dispatcher")
    assert answer.status_code == 403
    assert "supervisor, admin" in answer.json()["detail"]


async def test_a_page_reads_what_it_shows_however_much_there_is(staff: Staff) -> None:
    notices = staff.api.core.db[NOTICES.name]
    example = await staff.notice(await staff.told("dispatcher"))
    for number in range(300):
        category = "graffiti" if number % 30 == 0 else "pothole"
        row = example | {"_id": f"n{number:03}", "category": category}
        await notices.insert_one(row | {"roles": ["dispatcher", "supervisor"]})
    wanted = Wanted(roles=("dispatcher",), is_open=True, categories=("graffiti",))
    cursor = notices.find(wanted.filter()).sort([("at", 1), ("_id", 1)]).limit(5)
    stats = (await cursor.explain())["executionStats"]
    assert (stats["nReturned"], stats["totalDocsExamined"]) == (5, 5)
    await notices.delete_many({"_id": {"$regex": "^n"}})
