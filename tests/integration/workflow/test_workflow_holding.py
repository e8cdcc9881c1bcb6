"""Holds over REST and when they run out: the clock stands still, once, whoever is at work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cst_core.clock import to_ms
from cst_ledger.events import NewEvent
from cst_sla.service import SlaService
from cst_testkit.apps import Api
from cst_testkit.desk import Desk, fields_of
from cst_testkit.factories import SYSTEM
from cst_testkit.pump import Pump
from cst_testkit.waiting import wait_until
from cst_workflow.holds import HoldService


@pytest.fixture
def sla(api: Api) -> Pump:
    """The SLA worker alone."""
    return Pump(api.core, ["sla"])


async def clock_of(desk: Desk, request_id: str) -> dict[str, Any]:
    clock = await desk.api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert clock is not None
    return dict(clock)


async def kpis_of(desk: Desk, request_id: str) -> dict[str, Any]:
    oid = (await desk.load(request_id))["_id"]
    log = await desk.api.core.db["performance_logs"].find_one({"request_id": oid, "bucket": 0})
    assert log is not None
    return dict(log["computed_kpis"])


async def test_a_hold_stops_the_clock_and_resuming_starts_it(desk: Desk, sla: Pump) -> None:
    request_id = await desk.reach("triaged")
    await sla.drain()
    before = await clock_of(desk, request_id)
    answer = await desk.hold(request_id, days=20, note="Frozen ground")
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    assert answer.json()["workflow"]["hold"]["reason"] == "weather"
    assert answer.json()["internal"]["notes"] == ["Frozen ground"]
    await sla.drain()
    assert (await clock_of(desk, request_id))["next_due_at"] is None
    await SlaService(desk.later(days=19)).fire_due()
    assert "sla_breached" not in await desk.types(request_id)
    answer = await desk.post(f"/requests/{request_id}/resume", note="It has thawed")
    assert answer.status_code == 200, answer.text
    assert answer.json()["workflow"]["hold"] is None
    await sla.drain()
    [held, resumed] = (await desk.events(request_id))[-2:]
    assert (held["type"], resumed["type"]) == ("held", "resumed")
    after, pause = await clock_of(desk, request_id), resumed["at"] - held["at"]
    for moment in ("due_at", "breach_at", "next_due_at"):
        assert after[moment] == before[moment] + pause
    assert resumed["meta"]["held_seconds"] == int(pause.total_seconds())
    assert resumed["meta"]["expired"] is False


async def test_a_hold_does_not_undo_a_breach(desk: Desk, sla: Pump) -> None:
    request_id = await desk.reach("triaged")
    await sla.drain()
    await SlaService(desk.later(days=30)).fire_due()
    await desk.hold(request_id)
    await desk.post(f"/requests/{request_id}/resume")
    await sla.drain()
    assert (await kpis_of(desk, request_id))["sla_state"] == "breached"
    assert (await clock_of(desk, request_id))["next_due_at"] is None
    await SlaService(desk.later(days=60)).fire_due()
    assert (await desk.types(request_id)).count("sla_breached") == 1


async def test_kpis_tell_gross_and_net_time(desk: Desk, sla: Pump) -> None:
    request_id = await desk.reach("in_progress")
    await desk.hold(request_id, days=2)
    await HoldService(desk.later(days=2)).resume_due()
    at = desk.api.core.clock.now() + timedelta(days=3)
    resolved = NewEvent(
        "resolved",
        SYSTEM,
        changes={"status": "resolved", "resolution_code": "fixed"},
        meta={"resolution_code": "fixed"},
        at=at,
    )
    await desk.api.core.ledger("test").record(request_id, lambda _: [resolved])
    await sla.drain()
    kpis = await kpis_of(desk, request_id)
    assert kpis["resolution_minutes"] - kpis["net_resolution_minutes"] == pytest.approx(
        2 * 24 * 60, abs=0.02
    )
    assert kpis["sla_state"] == "met"


async def test_a_hold_that_has_run_out_is_resumed_once_by_any_number_of_processes(
    desk: Desk,
) -> None:
    ids = [await desk.reach("triaged") for _ in range(5)]
    for request_id in ids:
        await desk.hold(request_id, days=1)
    await HoldService(desk.later(hours=23)).resume_due()
    for request_id in ids:
        assert (await desk.load(request_id))["workflow"]["hold"] is not None
    later = desk.later(days=3)
    await asyncio.gather(*(HoldService(later).resume_due() for _ in range(4)))
    for request_id in ids:
        events = [e for e in await desk.events(request_id) if e["type"] == "resumed"]
        assert [e["meta"]["expired"] for e in events] == [True]
        document, held = await desk.load(request_id), (await desk.events(request_id))[-2]
        assert events[0]["at"] == held["meta"]["until"]
        assert events[0]["by"] == {"actor_type": "system", "actor_id": "holds"}
        lasted = held["meta"]["until"] - held["at"]
        assert document["workflow"]["held_seconds"] == int(lasted.total_seconds())
    assert await HoldService(later).resume_due() == 0


async def test_the_loop_resumes_what_is_due_until_it_is_stopped(desk: Desk) -> None:
    request_id = await desk.reach("new")
    await desk.hold(request_id, days=1)
    stop = asyncio.Event()
    loop = asyncio.create_task(HoldService(desk.later(days=2)).run(stop))

    async def is_resumed() -> bool:
        return (await desk.load(request_id))["workflow"]["hold"] is None

    await wait_until(is_resumed, timeout=20)
    stop.set()
    await loop


@pytest.mark.parametrize("path", ["hold", "resume"])
async def test_of_two_hundred_at_once_one_wins(desk: Desk, path: str) -> None:
    request_id = await desk.reach("triaged")
    if path == "resume":
        await desk.hold(request_id)
    version = (await desk.load(request_id))["version"]
    if path == "hold":
        calls = [desk.hold(request_id) for _ in range(200)]
    else:
        calls = [desk.post(f"/requests/{request_id}/resume") for _ in range(200)]
    answers = await asyncio.gather(*calls)
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert [answer.status_code for answer in answers].count(200) == 1
    assert (await desk.load(request_id))["version"] == version + 1
    assert (await desk.types(request_id)).count({"hold": "held", "resume": "resumed"}[path]) == 1


async def test_a_step_and_a_hold_at_once_do_not_both_win(desk: Desk) -> None:
    for _ in range(5):
        request_id = await desk.reach("new")
        version = (await desk.load(request_id))["version"]
        answers = await asyncio.gather(
            *(desk.hold(request_id, expected_version=version) for _ in range(10)),
            *(desk.api.step(request_id, "triaged", expected_version=version) for _ in range(10)),
        )
        assert [answer.status_code for answer in answers].count(200) == 1
        assert (await desk.load(request_id))["version"] == version + 1


async def test_steps_wait_until_a_held_request_is_resumed(desk: Desk) -> None:
    agent = await desk.hire()
    request_id = await desk.reach("triaged")
    await desk.hold(request_id)
    async with desk.untouched(request_id):
        answer = await desk.api.step(request_id, "assigned", assigned_agent_id=agent["id"])
        assert answer.status_code == 409
        assert "resume it first" in answer.json()["detail"]
    assert await desk.load_of(agent) == 0


async def test_dispatch_waits_for_what_is_held_and_goes_on_when_it_is_resumed(
    desk: Desk, api: Api
) -> None:
    dispatch = Pump(api.core, ["dispatch"])
    request_id = await desk.reach("triaged")
    await desk.hold(request_id)
    await dispatch.drain()
    assert (await desk.load(request_id))["status"] == "triaged"
    answer = await desk.post(f"/requests/{request_id}/auto-assign")
    assert answer.status_code == 409
    assert "held (weather)" in answer.json()["detail"]
    await desk.post(f"/requests/{request_id}/resume")
    await dispatch.drain()
    assert (await desk.load(request_id))["status"] == "assigned"


async def test_an_agent_holds_and_resumes_their_own_work_only(desk: Desk) -> None:
    agent = await desk.hire()
    request_id = await desk.reach("assigned", agent)
    until = (desk.api.core.clock.now() + timedelta(days=1)).isoformat()
    body = {"reason": "awaiting_parts", "until": until}
    path, code = f"/requests/{request_id}", agent["agent_code"]
    async with desk.untouched(request_id):
        stranger = await desk.post(f"{path}/hold", "agent", subject="SOMEBODY-1", **body)
        assert stranger.status_code == 403
    own = await desk.post(f"{path}/hold", "agent", subject=code, **body)
    assert own.status_code == 200, own.text
    async with desk.untouched(request_id):
        stranger = await desk.post(f"{path}/resume", "agent", subject="SOMEBODY-1")
        assert stranger.status_code == 403
    own = await desk.post(f"{path}/resume", "agent", subject=code)
    assert own.status_code == 200, own.text


@pytest.mark.parametrize(("role", "status"), [("dispatcher", 403), ("supervisor", 200)])
async def test_supervisors_only_hold_a_p1(desk: Desk, role: str, status: int) -> None:
    request_id = await desk.reach("new", description="A gas leak in a pothole")
    answer = await desk.hold(request_id, role)
    assert answer.status_code == status, answer.text


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"reason": "lunch"}, "reason"),
    ({"reason": ""}, "reason"),
    ({"reason": None}, "reason"),
    ({"until": "yesterday"}, "until"),
    ({"until": "2026-03-04T12:00:00"}, "until"),
    ({"until": "2026-03-03T16:00:00Z"}, "until"),
    ({"until": "2099-01-01T00:00:00Z"}, "until"),
    ({"note": ""}, "note"),
    ({"note": "x" * 4001}, "note"),
    ({"expected_version": 0}, "expected_version"),
    ({"mood": "bad"}, "mood"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG, ids=[str(w)[:40] for w, _ in WRONG])
async def test_a_wrong_hold_changes_nothing(desk: Desk, wrong: dict[str, Any], field: str) -> None:
    request_id = await desk.reach("new")
    async with desk.untouched(request_id):
        answer = await desk.hold(request_id, **wrong)
        assert answer.status_code == 422, answer.text
        assert field in fields_of(answer)


@pytest.mark.parametrize("status", ["resolved", "closed"])
async def test_what_has_ended_is_not_held(desk: Desk, status: str) -> None:
    request_id = await desk.reach(status)
    async with desk.untouched(request_id):
        assert (await desk.hold(request_id)).status_code == 409
        assert (await desk.post(f"/requests/{request_id}/resume")).status_code == 409


async def test_a_stale_version_holds_and_resumes_nothing(desk: Desk) -> None:
    request_id = await desk.reach("triaged")
    async with desk.untouched(request_id):
        answer = await desk.hold(request_id, expected_version=1)
        assert (answer.status_code, answer.json()["current_version"]) == (409, 2)
    await desk.hold(request_id, expected_version=2)
    async with desk.untouched(request_id):
        answer = await desk.post(f"/requests/{request_id}/resume", expected_version=2)
        assert (answer.status_code, answer.json()["current_version"]) == (409, 3)


@pytest.mark.parametrize("role", ["citizen", "auditor"])
async def test_who_may_not_hold(desk: Desk, role: str) -> None:
    request_id = await desk.reach("new")
    async with desk.untouched(request_id):
        assert (await desk.hold(request_id, role)).status_code == 403
        assert (await desk.post(f"/requests/{request_id}/resume", role)).status_code == 403


async def test_a_duplicate_has_no_clock_and_after_unlinking_it_has_one_again(
    desk: Desk, sla: Pump
) -> None:
    """What was breached before it was linked is not breached a second time."""
    master, duplicate = await desk.reach("triaged"), await desk.reach("triaged")
    await sla.drain()
    await SlaService(desk.later(days=30)).fire_due()
    merged = await desk.post(f"/requests/{duplicate}/merge", master_request_id=master)
    assert merged.status_code == 200, merged.text
    await sla.drain()
    assert await desk.api.core.db["sla_clocks"].find_one({"_id": duplicate}) is None
    assert (await kpis_of(desk, duplicate))["sla_state"] == "none"
    unmerged = await desk.post(f"/requests/{duplicate}/unmerge", reason="Another hole")
    assert unmerged.status_code == 200, unmerged.text
    await sla.drain()
    clock = await clock_of(desk, duplicate)
    assert clock["due_at"] == (await desk.load(duplicate))["due_at"]
    assert clock["next_due_at"] is None
    assert (await kpis_of(desk, duplicate))["sla_state"] == "breached"
    await SlaService(desk.later(days=90)).fire_due()
    assert (await desk.types(duplicate)).count("sla_breached") == 1
    assert to_ms(clock["breached_at"]) < to_ms(desk.later(days=30).clock.now())
