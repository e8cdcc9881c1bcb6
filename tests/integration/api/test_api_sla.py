"""Clocks in the database: each breach declared once, in time, whoever else is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cst_core.clock import Clock
from cst_ledger.reader import events_of
from cst_mongo.transactions import transact
from cst_process.core import Core
from cst_sla.service import SlaService
from cst_testkit.apps import Api
from cst_testkit.pump import Pump

Reach = Callable[..., Awaitable[str]]


@pytest.fixture
def pump(api: Api) -> Pump:
    """The SLA worker alone, so that nothing else moves the requests."""
    return Pump(api.core, ["sla"])


def after(api: Api, **span: float) -> SlaService:
    """Return the service as it is a while later."""
    later = api.core.clock.now() + timedelta(**span)
    core: Core = replace(api.core, clock=Clock(start=later, rate=0, anchor=later))
    return SlaService(core)


async def breaches(api: Api, request_id: str) -> list[dict[str, Any]]:
    document = await api.core.db["service_requests"].find_one({"request_id": request_id})
    assert document is not None
    events = await events_of(api.core.db, document["_id"])
    return [event for event in events if event["type"] == "sla_breached"]


async def kpis(api: Api, request_id: str) -> dict[str, Any]:
    document = await api.core.db["service_requests"].find_one({"request_id": request_id})
    assert document is not None
    log = await api.core.db["performance_logs"].find_one(
        {"request_id": document["_id"], "bucket": 0}
    )
    assert log is not None
    found: dict[str, Any] = log["computed_kpis"]
    return found


async def test_a_breach_is_declared_once_by_any_number_of_processes(api: Api, pump: Pump) -> None:
    request_id = (await api.file())["request_id"]
    await pump.drain()
    assert (await kpis(api, request_id))["sla_state"] == "on_track"
    await after(api, hours=119).fire_due()
    assert await breaches(api, request_id) == []
    await asyncio.gather(*(after(api, hours=121).fire_due() for _ in range(5)))
    [event] = await breaches(api, request_id)
    clock = await api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert clock is not None
    assert event["at"] == event["meta"]["breached_at"] == clock["breach_at"]
    assert (await kpis(api, request_id))["sla_state"] == "breached"
    await pump.drain()
    await after(api, hours=500).fire_due()
    assert len(await breaches(api, request_id)) == 1


async def test_a_clock_set_back_meanwhile_does_not_fire(api: Api, pump: Pump) -> None:
    """Between looking for what is due and firing it, triage may have promised more time."""
    request_id = (await api.file())["request_id"]
    await pump.drain()
    later = {"sla_policy.target_hours": 200, "sla_policy.breach_threshold_hours": 200}
    await api.core.db["service_requests"].update_one(
        {"request_id": request_id},
        [{"$set": later | {"due_at": {"$add": ["$due_at", 80 * 3_600_000]}}}],
    )
    assert await after(api, hours=121).fire_due() == 1
    assert await breaches(api, request_id) == []
    clock = await api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert clock is not None
    assert clock["next_step"] == "at_risk:150:24x7"


async def test_a_clock_that_lags_behind_its_request_does_not_fire(
    api: Api, pump: Pump, reach: Reach
) -> None:
    """Work done in time, and a promise withdrawn: the events have not arrived yet."""
    done, withdrawn = [await reach("assigned", (await api.hire())["id"]) for _ in range(2)]
    await pump.drain()
    for status in ("in_progress", "resolved"):
        code = {"resolution_code": "fixed"} if status == "resolved" else {}
        assert (await api.step(done, status, **code)).status_code == 200
    await api.core.db["service_requests"].update_one(
        {"request_id": withdrawn}, {"$set": {"sla_policy": None, "due_at": None}}
    )
    await after(api, hours=1000).fire_due()
    assert [await breaches(api, request_id) for request_id in (done, withdrawn)] == [[], []]
    await transact(
        api.core.db, lambda session: SlaService(api.core).follow([done, withdrawn], session)
    )
    clocks = await api.core.db["sla_clocks"].find({"_id": {"$in": [done, withdrawn]}}).to_list()
    assert [clock["next_due_at"] for clock in clocks if clock["_id"] == done] == [None]
    assert len(clocks) == 1
    assert (await kpis(api, withdrawn))["sla_state"] == "none"


async def test_work_done_in_time_stops_its_clock(api: Api, pump: Pump, reach: Reach) -> None:
    request_id = await reach("resolved", (await api.hire())["id"])
    await pump.drain()
    await after(api, hours=1000).fire_due()
    assert await breaches(api, request_id) == []
    assert (await kpis(api, request_id))["sla_state"] == "met"


async def test_a_new_priority_brings_its_own_promise(api: Api, pump: Pump) -> None:
    request_id = (await api.file())["request_id"]
    await api.step(request_id, "triaged", priority="P2")
    await pump.drain()
    clock = await api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert clock is not None
    assert (clock["policy_id"], clock["target_hours"]) == ("pothole-p2", 24)
