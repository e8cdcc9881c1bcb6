"""Triage by rule says which rule fired; what none covers waits in a queue for staff."""

from __future__ import annotations

import pytest
from triage_kit import Office, problem

from cst_city.store import CATEGORIES, CITIES

STAFF_ONLY = "homeless_assistance"


async def test_a_category_is_triaged_by_its_rule(office: Office) -> None:
    request_id = await office.triaged()
    triaged = (await office.events(request_id))[1]
    assert (triaged["type"], triaged["meta"]["rule"]) == ("triaged", "category:pothole")
    assert triaged["by"] == {"actor_type": "system", "actor_id": "triage"}


async def test_what_no_rule_covers_waits_in_the_queue_with_the_reason(office: Office) -> None:
    request_id = await office.triaged(category=STAFF_ONLY)
    assert (await office.load(request_id))["status"] == "new"
    (mine,) = await waiting(office, request_id)
    assert mine["waits_because"].startswith(f"category {STAFF_ONLY} is triaged by staff")
    answer = await office.api.step(request_id, "triaged")
    assert answer.status_code == 200
    assert await waiting(office, request_id) == []


async def waiting(office: Office, *request_ids: str) -> list[dict[str, object]]:
    """Return the queue's rows of some requests, in its order, page by page."""
    rows, cursor = [], None
    while True:
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = await office.get("/triage/queue", **query)
        assert len(page["items"]) <= 2
        rows += [row for row in page["items"] if row["request_id"] in request_ids]
        if (cursor := page["next_cursor"]) is None:
            return rows


async def test_the_most_urgent_come_first_then_the_oldest(office: Office) -> None:
    calm = [await office.file(category=STAFF_ONLY) for _ in range(3)]
    urgent = await office.file(category=STAFF_ONLY, description="Somebody smells a gas leak")
    await office.pump.drain()
    rows = await waiting(office, *calm, urgent)
    assert [row["request_id"] for row in rows] == [urgent, *calm]


async def test_a_held_request_is_triaged_once_it_goes_on(office: Office) -> None:
    request_id = await office.file()
    await office.hold(request_id)
    await office.pump.drain()
    assert (await office.load(request_id))["status"] == "new"
    (row,) = await waiting(office, request_id)
    assert row["waits_because"] == "it is on hold: weather"
    await office.done(request_id, "resume")
    await office.pump.drain()
    assert (await office.load(request_id))["status"] == "triaged"


async def test_a_word_can_say_enough_for_a_rule(office: Office) -> None:
    db = office.api.core.db
    await db[CATEGORIES.name].update_one(
        {"code": STAFF_ONLY}, {"$set": {"triage_words": ["encampment"]}}
    )
    await db[CITIES.name].update_one({}, {"$set": {"fingerprint": "with words"}})
    office.api.core.catalog._checked = 0.0
    plain = await office.triaged(category=STAFF_ONLY, description="A person asks for help")
    told = await office.triaged(category=STAFF_ONLY, description="An Encampment in the park")
    assert (await office.load(plain))["status"] == "new"
    rule = (await office.events(told))[1]["meta"]["rule"]
    assert rule == f"word:encampment (category {STAFF_ONLY})"


@pytest.mark.parametrize(
    "cursor", ["x", "e30", "W10", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwiYSJd"]
)
async def test_a_cursor_of_another_list_is_refused(office: Office, cursor: str) -> None:
    answer = await office.api.client.get(
        "/triage/queue", params={"cursor": cursor}, headers=office.api.as_("dispatcher")
    )
    problem(answer, 422, "cursor")


async def test_the_queue_is_read_from_an_index(office: Office) -> None:
    query = {"status": "new", "historic": False, "duplicates.is_master": True}
    order = {"priority": 1, "timestamps.created_at": 1, "request_id": 1}
    plan = await office.api.core.db.command(
        "explain", {"find": "service_requests", "filter": query, "sort": order, "limit": 50}
    )
    winning = str(plan["queryPlanner"]["winningPlan"])
    assert "waiting_for_triage" in winning
    assert "'SORT'" not in winning
