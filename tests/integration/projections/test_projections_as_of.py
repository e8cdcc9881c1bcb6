"""The past: what a request and the KPIs were at an instant is what had happened by then."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projections_kit import delivered, emptied, shuffled, stored, stories

from cst_contracts.analytics import KpiReport
from cst_core.clock import Clock
from cst_ledger.events import NewEvent
from cst_mongo.client import Session
from cst_process.core import Core
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.kpis.service import KpiService
from cst_testkit.apps import Api
from cst_testkit.factories import CREATED_AT, SYSTEM, created_event, policy_terms
from cst_testkit.histories import AGENT, histories, step
from cst_testkit.pump import Pump

HOUR = timedelta(hours=1)
QUERIES: list[dict[str, Any]] = [
    {},
    {"group_by": "status"},
    {"group_by": "zone", "status": ["new", "resolved"]},
    {"group_by": "priority", "priority": ["P1", "P3"], "category": ["pothole"]},
    {"group_by": "agent", "department": ["DOT"]},
    {"group_by": "week", "agent_id": ["unassigned"]},
    {"group_by": "day", "day_from": "2026-03-02", "day_to": "2026-03-02"},
    {"day_to": "2026-03-01"},
]


@pytest.fixture
async def core(api: Api) -> Core:
    await emptied(api.core)
    return api.core


def hourly(history: list[NewEvent], hours: list[int]) -> list[NewEvent]:
    """The history, with a promise, with its events at growing hours after the first."""
    times = sorted(hours[: len(history) - 1])
    later = [replace(e, at=CREATED_AT + h * HOUR) for e, h in zip(history[1:], times, strict=True)]
    terms = policy_terms(target_hours=5, breach_threshold_hours=10)
    promise = {"sla_policy": terms, "due_at": CREATED_AT + 5 * HOUR}
    return [replace(history[0], changes={**history[0].changes, **promise}), *later]


async def answers(core: Core, as_of: datetime | None, now: datetime) -> list[KpiReport]:
    """Return the report of each query, without what tells the past from the present."""
    service = KpiService(replace(core, clock=Clock(start=now, rate=0, anchor=now)))
    text = None if as_of is None else as_of.isoformat()
    reports = [await service.report(KpiQuery(**query, as_of=text)) for query in QUERIES]
    return [r.model_copy(update={"as_of": None, "generated_at": CREATED_AT}) for r in reports]


async def followed(core: Core, rng: random.Random) -> None:
    await delivered(core, "sla", shuffled(await stories(core), rng), 7)


@settings(max_examples=20)
@given(
    many=st.lists(
        st.tuples(
            histories(max_side_events=1), st.lists(st.integers(0, 20), min_size=25, max_size=25)
        ),
        min_size=1,
        max_size=4,
    ),
    hour=st.integers(-1, 20),
    lag=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
async def test_past_kpis_are_those_of_what_had_happened_by_then(
    api: Api, many: list[Any], hour: int, lag: int, seed: int
) -> None:
    """Also where the facts of some requests are yet to follow what has happened since."""
    core, rng, as_of = api.core, random.Random(seed), CREATED_AT + hour * HOUR
    past = [hourly(history, hours) for history, hours in many]
    await emptied(core)
    for history in past:
        await stored(core, history, on_time=True)
    await followed(core, rng)
    later = {"timestamps.updated_at": {"$gt": as_of}}
    behind = [r["request_id"] async for r in core.db["service_requests"].find(later).limit(lag)]
    await core.db["kpi_facts"].update_many({"_id": {"$in": behind}}, {"$set": {"status": "new"}})
    found = await answers(core, as_of, CREATED_AT + 30 * HOUR)
    await emptied(core)
    for history in past:
        # The first has no `at` of its own but when it was created.
        by_then = [event for event in history if (event.at or CREATED_AT) <= as_of]
        if by_then:
            await stored(core, by_then, on_time=True)
    await followed(core, rng)
    assert found == await answers(core, None, as_of)


async def test_only_what_was_written_since_is_read(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a look at yesterday does not cost a look at everything."""
    for number in range(5):
        await stored(core, hourly([created_event(), step("triaged")], [number]), on_time=True)
    await followed(core, random.Random(1))
    service, read = KpiService(core), list[int]()
    events = service._past._repository.events

    def counted(oids: Any, session: Session) -> Any:
        read.append(len(oids))
        return events(oids, session)

    monkeypatch.setattr(service._past._repository, "events", counted)
    as_of = (CREATED_AT + 2.5 * HOUR).isoformat()
    report = await service.report(KpiQuery(as_of=as_of))
    assert report.totals.by_status == {"new": 2, "triaged": 3}
    assert sum(read) == 2


async def test_a_history_of_many_buckets_is_read_in_its_order(core: Core) -> None:
    often = [NewEvent("agent_reserved", SYSTEM, meta=AGENT, at=CREATED_AT)] * 120
    triaged = replace(step("triaged"), at=CREATED_AT)
    assigned = replace(step("assigned"), at=CREATED_AT + 2 * HOUR)
    await stored(core, [created_event(), *often, triaged, *often, assigned])
    await stored(core, [created_event(), replace(step("triaged"), at=CREATED_AT + 2 * HOUR)])
    await followed(core, random.Random(1))
    as_of = (CREATED_AT + HOUR).isoformat()
    report = await KpiService(core).report(KpiQuery(as_of=as_of))
    assert report.totals.by_status == {"new": 1, "triaged": 1}


async def test_kpis_of_the_past_are_for_staff(api: Api, core: Core) -> None:
    query = {"as_of": "2026-03-03T10:00:00Z"}
    anonymous = await api.client.get("/analytics/kpis", params=query)
    citizen = await api.client.get("/analytics/kpis", params=query, headers=api.as_("citizen"))
    auditor = await api.client.get("/analytics/kpis", params=query, headers=api.as_("auditor"))
    assert [a.status_code for a in (anonymous, citizen, auditor)] == [401, 403, 200]
    assert auditor.json()["as_of"] == "2026-03-03T10:00:00Z"


async def test_a_request_is_seen_as_it_stood(api: Api, core: Core) -> None:
    request_id = (await api.file(description="a hole"))["request_id"]
    path, staff = f"/requests/{request_id}", api.as_("dispatcher")
    before = (await api.client.get(path, headers=staff)).json()
    await Pump(core, ["workflow"]).drain()
    events = (await api.client.get(f"{path}/events", headers=staff)).json()["events"]
    filed_at, triaged_at = (event["at"] for event in events)

    def at(instant: str, headers: dict[str, str] | None = None, tail: str = "") -> Any:
        return api.client.get(path + tail, params={"as_of": instant}, headers=headers)

    then, now = await at(filed_at, staff), await at(triaged_at, staff)
    assert then.json() == before
    assert then.headers["ETag"] == '"1"'
    assert now.json() == (await api.client.get(path, headers=staff)).json()
    assert (now.json()["status"], now.headers["ETag"]) == ("triaged", '"2"')
    public = (await at(filed_at)).json()
    assert (public["status"], public["description"]) == ("new", None)
    page = (await at(filed_at, staff, "/events")).json()
    assert [event["type"] for event in page["events"]] == ["created"]
    for tail in ("", "/events"):
        early = await at("2020-01-01T00:00:00Z", staff, tail)
        assert (early.status_code, early.json()["type"]) == (404, "/problems/not-found")


async def test_a_request_that_is_not_public_now_has_no_public_past(api: Api, core: Core) -> None:
    request_id = (await api.file())["request_id"]
    await core.db["service_requests"].update_one(
        {"request_id": request_id}, {"$set": {"public": "none"}}
    )
    as_of = {"as_of": core.clock.now().isoformat()}
    assert (await api.client.get(f"/requests/{request_id}", params=as_of)).status_code == 404


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yesterday", "is not an instant"),
        ("2026-03-02", "is not an instant"),
        ("2026-03-02T15:00:00", "is not an instant"),
        ("2026-13-02T15:00:00Z", "is not an instant"),
        ("0001-01-01T00:00:00+09:00", "is not an instant"),
        ("1772463600", "is not an instant"),
        ("", "is not an instant"),
        ("2031-01-01T00:00:00Z", "is in the future"),
    ],
)
@pytest.mark.parametrize("path", ["/requests/{id}", "/requests/{id}/events", "/analytics/kpis"])
async def test_what_is_no_instant_of_the_past_is_refused(
    api: Api, core: Core, path: str, text: str, message: str
) -> None:
    request_id = (await api.file())["request_id"]
    answer = await api.client.get(
        path.format(id=request_id), params={"as_of": text}, headers=api.as_("auditor")
    )
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["field"], error["message"], error["value"]) == ("as_of", message, text)
    assert "RFC 3339" in error["allowed"][0]
