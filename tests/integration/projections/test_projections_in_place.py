"""Clocks, KPIs and agents' load: the services keep them as the ledger says, and a rebuild does."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projections_kit import delivered, emptied, projection, shuffled, stored, stories

from cst_core.clock import Clock
from cst_ledger.events import Document, NewEvent
from cst_process.core import Core
from cst_sla.service import SlaService
from cst_testkit.apps import DOWNTOWN, Api
from cst_testkit.factories import CREATED_AT, created_event, policy_terms
from cst_testkit.histories import histories
from cst_testkit.pump import Pump

_places = itertools.count()
OF_SLA = ("clocks", "kpis", "facts")
NAMES = (*OF_SLA, "agents", "queue", "acceptance")
HOURS = st.sampled_from([1.0, 10.0, 30.0, 100.0])


@pytest.fixture
async def core(api: Api) -> Core:
    await emptied(api.core)
    idle = {"open_assignments": 0, "load_share": 0.0}
    await api.core.db["service_agents"].update_many({"kind": "person"}, {"$set": idle})
    return api.core


async def wrong(core: Core) -> dict[str, list[str]]:
    return {name: await projection(core, name).check() for name in NAMES}


async def fire(core: Core, **span: float) -> None:
    """Declare what is breached a while later."""
    later = core.clock.now() + timedelta(**span)
    await SlaService(replace(core, clock=Clock(start=later, rate=0, anchor=later))).fire_due()


def elsewhere() -> dict[str, Any]:
    """Return a place in lower Manhattan too far from every other for a duplicate."""
    row, column = divmod(next(_places), 8)
    lon, lat = DOWNTOWN[0] + 0.001 * column, DOWNTOWN[1] + 0.001 * row
    return {"type": "Point", "coordinates": [lon, lat]}


async def busy_day(api: Api) -> list[str]:
    """File requests, let every service handle them, finish some work, and break a promise."""
    pump = Pump(api.core)
    filed = [(await api.file(location=elsewhere()))["request_id"] for _ in range(6)]
    await pump.drain()
    for request_id in filed[:2]:
        assert (await api.step(request_id, "in_progress")).status_code == 200
        answer = await api.step(request_id, "resolved", resolution_code="fixed")
        assert answer.status_code == 200
    await fire(api.core, hours=300)
    await pump.drain()
    return filed


async def load(core: Core) -> int:
    agents = await core.db["service_agents"].find({"open_assignments": {"$gt": 0}}).to_list()
    return sum(agent["open_assignments"] for agent in agents)


async def test_what_the_services_keep_is_what_the_ledger_says(api: Api, core: Core) -> None:
    await busy_day(api)
    assert await load(core) == 4
    assert await core.db["sla_clocks"].count_documents({"breached_at": {"$ne": None}}) == 4
    assert await wrong(core) == {name: [] for name in NAMES}


async def test_clocks_that_stand_still_or_are_gone_are_what_the_ledger_says(
    api: Api, core: Core
) -> None:
    """On hold, held and resumed, a duplicate, one no more, and one that was escalated."""
    pump, staff = Pump(core), api.as_("supervisor")
    filed = [(await api.file(location=elsewhere()))["request_id"] for _ in range(6)]
    held, resumed, master, duplicate, unlinked, escalated = filed
    await pump.drain()
    await fire(core, hours=300)

    async def act(request_id: str, what: str, **body: Any) -> None:
        path = f"/requests/{request_id}/{what}"
        answer = await api.client.post(path, json=body, headers=staff)
        assert answer.status_code == 200, answer.text

    until = (core.clock.now() + timedelta(days=2)).isoformat()
    for request_id in (held, resumed):
        await act(request_id, "hold", reason="weather", until=until)
    await act(resumed, "resume")
    for request_id in (duplicate, unlinked):
        await act(request_id, "merge", master_request_id=master)
    await pump.drain()
    assert await core.db["sla_clocks"].count_documents({}) == 4
    await act(unlinked, "unmerge", reason="Another hole")
    await act(escalated, "escalate", action="notify:admin", reason="The mayor asks")
    await pump.drain()
    assert await wrong(core) == {name: [] for name in NAMES}
    logs = core.db["performance_logs"]
    states = [log["computed_kpis"]["sla_state"] async for log in logs.find({"bucket": 0})]
    assert sorted(states) == ["breached"] * 5 + ["none"]
    assert await logs.count_documents({"computed_kpis.escalation_count": 4}) == 1
    for name in NAMES:
        await projection(core, name).rebuild()
    assert await wrong(core) == {name: [] for name in NAMES}


async def test_wrong_clocks_are_named_and_made_right(api: Api, core: Core) -> None:
    filed, clocks = await busy_day(api), core.db["sla_clocks"]
    before = await clocks.find().sort("_id", 1).to_list()
    await clocks.update_one({"_id": filed[0]}, {"$set": {"target_hours": 1.0}})
    await clocks.update_one({"_id": filed[5]}, {"$set": {"breached_at": None}})
    await clocks.delete_one({"_id": filed[4]})
    await clocks.insert_one({"_id": "CST-2026-0000", "next_due_at": None})
    lines = await projection(core, "clocks").check()
    assert [line.split(" is ")[0] for line in lines] == [
        f"{filed[0]}: target_hours",
        f"{filed[4]}:",
        f"{filed[5]}: breached_at",
        "CST-2026-0000: has no place in the ledger",
    ]
    assert await projection(core, "clocks").rebuild() == 6
    assert await clocks.find().sort("_id", 1).to_list() == before
    assert await projection(core, "clocks").check() == []


async def test_wrong_kpis_are_named_and_made_right(api: Api, core: Core) -> None:
    await busy_day(api)
    logs = core.db["performance_logs"]
    await logs.update_one(
        {"computed_kpis.sla_state": "breached"}, {"$set": {"computed_kpis.sla_state": "on_track"}}
    )
    await logs.update_one({"computed_kpis.sla_state": "met"}, {"$set": {"computed_kpis": None}})
    lines = await projection(core, "kpis").check()
    assert sorted(line.split(": ")[1] for line in lines) == [
        "is missing",
        "sla_state is on_track, by the ledger breached",
    ]
    assert await projection(core, "kpis").rebuild() == 6
    assert await projection(core, "kpis").check() == []


async def test_wrong_facts_are_named_and_made_right(api: Api, core: Core) -> None:
    filed, facts = await busy_day(api), core.db["kpi_facts"]
    before = await facts.find().sort("_id", 1).to_list()
    await facts.update_one({"_id": filed[0]}, {"$unset": {"seconds": ""}})
    await facts.update_one({"_id": filed[1]}, {"$set": {"department": "Magic"}})
    await facts.delete_one({"_id": filed[2]})
    await facts.insert_one({"_id": "CST-2026-0000", "status": "new"})
    lines = await projection(core, "facts").check()
    assert [line.split(" is ")[0] for line in lines] == [
        f"{filed[0]}: seconds",
        f"{filed[1]}: department",
        f"{filed[2]}:",
        "CST-2026-0000: has no place in the ledger",
    ]
    assert await projection(core, "facts").rebuild() == 6
    assert await facts.find().sort("_id", 1).to_list() == before
    assert await projection(core, "facts").check() == []


async def test_wrong_loads_are_named_and_made_right(api: Api, core: Core) -> None:
    await busy_day(api)
    agents = core.db["service_agents"]
    busy = await agents.find_one({"open_assignments": {"$gt": 0}})
    idle = await agents.find_one({"open_assignments": 0})
    assert busy is not None
    assert idle is not None
    await agents.update_one({"_id": busy["_id"]}, {"$set": {"open_assignments": 0}})
    await agents.update_one({"_id": idle["_id"]}, {"$set": {"open_assignments": 9}})
    assert sorted(await projection(core, "agents").check()) == sorted(
        [
            f"{busy['agent_code']}: open_assignments is 0, "
            f"by the ledger {busy['open_assignments']}",
            f"{idle['agent_code']}: open_assignments is 9, by the ledger 0",
        ]
    )
    await projection(core, "agents").rebuild()
    assert await projection(core, "agents").check() == []
    assert await load(core) == 4


async def test_a_wrong_queue_and_wrong_times_for_beginning_are_named_and_made_right(
    api: Api, core: Core
) -> None:
    filed = await busy_day(api)
    begins, waits = core.db["acceptance_clocks"], core.db["dispatch_queue"]
    assert await begins.count_documents({}) == 4
    await begins.delete_one({"_id": filed[2]})
    await begins.update_one({"_id": filed[3]}, {"$set": {"agent_id": None}})
    before = await begins.find().sort("_id", 1).to_list()
    await waits.insert_one({"_id": filed[4], "priority": "P1"})
    lines = await projection(core, "acceptance").check()
    assert [line.partition(": ")[0] for line in sorted(lines)] == [filed[2], filed[3]]
    assert sorted(lines)[0].endswith("is missing")
    assert await projection(core, "queue").check() == [f"{filed[4]}: has no place in the ledger"]
    for name in ("acceptance", "queue"):
        await projection(core, name).rebuild()
        assert await projection(core, name).check() == []
    assert await begins.count_documents({}) == len(before) + 1
    assert await waits.count_documents({}) == 0


async def test_rebuilds_beside_live_services_leave_all_right(api: Api, core: Core) -> None:
    """While everything is wrong to begin with, so that they have something to write."""
    stop = asyncio.Event()

    async def rebuilding(name: str) -> int:
        count = 0
        while not stop.is_set():
            await projection(core, name).rebuild()
            count += 1
        return count

    rebuilds = [asyncio.create_task(rebuilding(name)) for name in NAMES]
    for number in range(3):
        await busy_day(api)
        await core.db["sla_clocks"].update_many({}, {"$set": {"target_hours": float(number)}})
        await core.db["performance_logs"].update_many({}, {"$set": {"computed_kpis": None}})
        await core.db["kpi_facts"].update_many({}, {"$set": {"escalations": 100 + number}})
    stop.set()
    assert min(await asyncio.gather(*rebuilds)) >= 1
    for name in NAMES:
        await projection(core, name).rebuild()
    assert await wrong(core) == {name: [] for name in NAMES}
    assert await load(core) == 12


def promised(history: list[NewEvent], hours: float, slack: float) -> list[NewEvent]:
    """The history of a request with a promise; only the SLA service declares it broken."""
    terms = policy_terms(target_hours=hours, breach_threshold_hours=hours + slack)
    due_at = CREATED_AT + timedelta(hours=hours)
    first = created_event(sla_policy=terms, due_at=due_at)
    return [first, *(event for event in history[1:] if event.type != "sla_breached")]


@settings(max_examples=15)
@given(
    many=st.lists(st.tuples(histories(max_side_events=1), HOURS, HOURS), min_size=1, max_size=4),
    later=HOURS,
    chunk=st.integers(1, 20),
    rng=st.randoms(use_true_random=False),
)
async def test_clocks_and_kpis_follow_from_the_ledger(
    api: Api, many: list[Any], later: float, chunk: int, rng: Any
) -> None:
    """Also when clocks fire before the rest of the story has arrived."""
    core = api.core
    await emptied(core)
    for history, hours, slack in many:
        await stored(core, promised(history, hours, slack))
    records = shuffled(await stories(core), rng)
    cut = rng.randrange(len(records) + 1)
    await delivered(core, "sla", records[:cut], chunk)
    await fire(core, hours=later)
    await delivered(core, "sla", records, chunk)
    assert [await projection(core, name).check() for name in OF_SLA] == [[], [], []]
    before = await kept(core)
    for name in ("sla_clocks", "kpi_facts"):
        await core.db[name].delete_many({})
    await core.db["performance_logs"].update_many({}, {"$set": {"computed_kpis": None}})
    for name in OF_SLA:
        await projection(core, name).rebuild()
    assert await kept(core) == before


async def kept(core: Core) -> list[list[Document]]:
    rows = [core.db[name].find() for name in ("sla_clocks", "kpi_facts")]
    logs = core.db["performance_logs"].find({"bucket": 0}, {"computed_kpis": 1})
    return [await cursor.sort("_id", 1).to_list() for cursor in (*rows, logs)]
