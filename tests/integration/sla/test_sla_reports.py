"""`GET /analytics/kpis`: what everybody sees, what staff ask for, as JSON and as CSV."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest
from sla_kit import fire

from cst_contracts.analytics import KpiReport
from cst_sla.domain.kpi_query import KpiQuery
from cst_testkit.desk import Desk, fields_of
from cst_testkit.pump import Pump

PATH = "/analytics/kpis"


async def followed(desk: Desk) -> None:
    await Pump(desk.api.core, ["sla"]).drain()


async def report(desk: Desk, **params: Any) -> dict[str, Any]:
    answer = await desk.get(PATH, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_happens_is_counted_as_it_happens(desk: Desk) -> None:
    before = (await report(desk))["totals"]
    agent = await desk.hire(capacity=9)
    for status in ("resolved", "assigned"):
        await desk.reach(status, agent)
    await followed(desk)
    await fire(desk, hours=130)
    after = (await report(desk))["totals"]
    grown = {
        name: after[name] - before[name]
        for name in ("requests", "open", "resolved", "met", "missed", "breaches", "escalations")
    }
    assert grown == {
        "requests": 2,
        "open": 1,
        "resolved": 1,
        "met": 1,
        "missed": 0,
        "breaches": 1,
        "escalations": 3,
    }
    assert after["responded"] - before["responded"] == 2
    groups = (await report(desk, group_by="agent", agent_id=agent["id"]))["groups"]
    assert [(row["key"], row["requests"]) for row in groups] == [(agent["id"], 2)]
    by_department = await report(desk, group_by="department", department="DOT")
    assert {row["key"] for row in by_department["groups"]} == {"DOT"}


async def test_a_merge_and_a_reopening_are_counted(desk: Desk) -> None:
    before = (await report(desk))["totals"]
    await desk.use_rules("v1.1")
    again = await desk.reach("resolved", await desk.hire(), category="graffiti")
    assert (await desk.api.step(again, "in_progress", note="Not done")).status_code == 200
    await desk.use_rules("v1.0")
    master, duplicate = [(await desk.api.file())["request_id"] for _ in range(2)]
    merged = await desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    assert merged.status_code == 200, merged.text
    await followed(desk)
    after = (await report(desk))["totals"]
    grown = {name: after[name] - before[name] for name in ("requests", "duplicates", "reopened")}
    assert grown == {"requests": 2, "duplicates": 1, "reopened": 1}


async def test_the_first_answer_and_a_rating_are_counted(desk: Desk) -> None:
    before = (await report(desk))["totals"]
    asked = (await desk.api.file(category="graffiti"))["request_id"]
    await followed(desk)
    assert (await report(desk))["totals"]["responded"] == before["responded"]
    said = await desk.post(f"/requests/{asked}/comments", message="We look at it on Friday")
    assert said.status_code == 201, said.text
    done = await desk.api.file()
    fields = {
        "assigned": {"assigned_agent_id": (await desk.hire())["id"]},
        "resolved": {"resolution_code": "fixed"},
    }
    for step in ("triaged", "assigned", "in_progress", "resolved"):
        await desk.api.step(done["request_id"], step, **fields.get(step, {}))
    rated = await desk.api.client.post(
        f"/requests/{done['request_id']}/rating",
        params={"follow": done["follow_url"].rpartition("=")[2]},
        json={"rating": 2},
    )
    assert rated.status_code in (200, 201), rated.text
    await followed(desk)
    after = (await report(desk))["totals"]
    assert after["responded"] - before["responded"] == 2
    assert after["ratings"] - before["ratings"] == 1
    assert after["mean_rating"] is not None


async def test_totals_for_everybody_are_made_once_for_all_who_ask(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, made = desk.api.app.state.sla.kpis, list[KpiQuery]()
    make = service.report

    async def counted(query: KpiQuery) -> KpiReport:
        made.append(query)
        answer: KpiReport = await make(query)
        return answer

    monkeypatch.setattr(service, "report", counted)
    monkeypatch.setattr(service, "_fresh_until", 0.0)
    answers = await asyncio.gather(*(desk.api.client.get(PATH) for _ in range(20)))
    assert len({answer.text for answer in answers}) == len(made) == 1
    monkeypatch.setattr(service, "_fresh_until", 0.0)
    await desk.api.client.get(PATH)
    assert len(made) == 2


async def test_everybody_sees_totals_and_staff_the_rest(desk: Desk) -> None:
    client = desk.api.client
    answer = await client.get(PATH)
    assert answer.status_code == 200
    assert answer.json()["groups"] == []
    assert (await client.get(PATH, params={"group_by": "zone"})).status_code == 401
    citizen = desk.api.as_("citizen")
    assert (await client.get(PATH, headers=citizen)).status_code == 200
    refused = await client.get(PATH, params={"category": "pothole"}, headers=citizen)
    assert refused.status_code == 403


@pytest.mark.parametrize("group", ["category", "zone", "priority", "department", "day", "week"])
async def test_csv_says_what_json_says(desk: Desk, group: str) -> None:
    await desk.api.file()
    await followed(desk)
    headers = desk.api.as_("auditor") | {"Accept": "text/csv"}
    answer = await desk.api.client.get(PATH, params={"group_by": group}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert "Accept" in answer.headers["vary"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    groups = (await report(desk, group_by=group))["groups"]
    assert [(row["key"], int(row["requests"])) for row in rows] == [
        (row["key"], row["requests"]) for row in groups
    ]
    assert (await desk.get(PATH, group_by=group, format="csv")).text.splitlines()[0] == (
        answer.text.splitlines()[0]
    )


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"group_by": "street"}, "group_by"),
        ({"category": "pot_hole"}, "category"),
        ({"zone_id": "XX99"}, "zone_id"),
        ({"priority": "P9"}, "priority"),
        ({"department": "MAGIC"}, "department"),
        ({"agent_id": "0" * 24}, "agent_id"),
        ({"agent_id": "me"}, "agent_id"),
        ({"day_from": "2026-02-30"}, "day_from"),
        ({"day_from": "2026-03-05", "day_to": "2026-03-04"}, "day_from"),
        ({"as_of": "2030-01-01T00:00:00Z"}, "as_of"),
        ({"format": "xml"}, "format"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
async def test_wrong_parameters_are_named(desk: Desk, params: dict[str, str], field: str) -> None:
    answer = await desk.get(PATH, **params)
    assert answer.status_code == 422
    assert fields_of(answer)[0].startswith(field)
