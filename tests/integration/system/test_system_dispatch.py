"""Room that is made, and a roster that changes, reach who waits: by relay, broker and worker."""

from __future__ import annotations

from typing import Any

from cst_testkit.crews import person, staff_only
from cst_testkit.systems import RunningSystem
from cst_testkit.waiting import wait_until


async def deferred(system: RunningSystem, request_id: str) -> None:
    async def told() -> bool:
        return (await system.story(request_id))[-1]["type"] == "assignment_deferred"

    await wait_until(told, 60, f"{request_id} to be deferred")


async def act(system: RunningSystem, method: str, path: str, **body: Any) -> None:
    answer = await system.client.request(method, path, json=body, headers=system.as_("dispatcher"))
    assert answer.status_code in (200, 201), answer.text


async def test_who_waits_is_assigned_as_soon_as_somebody_can(system: RunningSystem) -> None:
    coverage = {"zone_ids": ["MN01", "MN03"], "geo_fence": None}
    crew = person(1, capacity=1, coverage=coverage)
    async with system.database() as db:
        await staff_only(db, [crew])
    first = await system.file()
    await system.assigned(first)
    second, third = await system.file(), await system.file()
    await deferred(system, second)
    await deferred(system, third)
    for step, fields in (("in_progress", {}), ("resolved", {"resolution_code": "fixed"})):
        await act(system, "PATCH", f"/requests/{first}/transition", to=step, **fields)
    await system.assigned(second)
    await act(system, "PATCH", f"/agents/{crew['_id']}", capacity=2)
    await system.assigned(third)
    # And who leaves hands over, to the team.
    await act(system, "PATCH", f"/agents/{crew['_id']}", active=False)
    for request_id in (second, third):
        stored = await system.client.get(f"/requests/{request_id}", headers=system.as_("auditor"))
        assignment = stored.json()["assignment"]
        assert (assignment["assignment_policy"], stored.json()["status"]) == ("team", "assigned")
