"""Steps of the lifecycle over REST: the whole way, and every way it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise, product
from typing import Any

import pytest

from cst_contracts.documents import ServiceRequest
from cst_contracts.enums import STATUSES
from cst_testkit.apps import Api

Reach = Callable[..., Awaitable[str]]


async def agent_of(api: Api, agent: dict[str, Any]) -> dict[str, Any]:
    answer = await api.client.get(f"/agents/{agent['id']}", headers=api.as_("auditor"))
    found: dict[str, Any] = answer.json()
    return found


async def events_of(api: Api, request_id: str) -> list[dict[str, Any]]:
    answer = await api.client.get(f"/requests/{request_id}/events", headers=api.as_("auditor"))
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


async def test_a_whole_life_by_staff(api: Api) -> None:
    agent, request_id = await api.hire(), (await api.file())["request_id"]
    steps: list[tuple[str, dict[str, Any]]] = [
        ("triaged", {"priority": "P2"}),
        ("assigned", {"assigned_agent_id": agent["id"]}),
        ("in_progress", {}),
        ("resolved", {"resolution_code": "fixed", "note": "filled with asphalt"}),
        ("closed", {}),
    ]
    for version, (status, fields) in enumerate(steps, start=2):
        answer = await api.step(request_id, status, **fields)
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{version}"'
        request = ServiceRequest.model_validate(answer.json())
        assert (request.status, request.version) == (status, version)
        assert getattr(request.timestamps, f"{status}_at") == request.timestamps.updated_at
    assert request.priority == "P2"
    assert request.sla_policy is not None
    assert request.sla_policy.policy_id == "pothole-p2"
    assert request.workflow.allowed_next == []
    assert request.internal.notes == ["filled with asphalt"]
    assert [event["type"] for event in await events_of(api, request_id)] == [
        "created",
        "triaged",
        "agent_reserved",
        "assigned",
        "in_progress",
        "resolved",
        "agent_released",
        "closed",
    ]
    audit = await api.client.get(f"/requests/{request_id}/audit", headers=api.as_("auditor"))
    assert audit.json()["ok"] is True


@pytest.mark.parametrize(
    ("status", "target"), sorted({*product(STATUSES, STATUSES)} - {*pairwise(STATUSES)})
)
async def test_a_step_that_is_none_names_the_allowed_ones(
    api: Api, reach: Reach, status: str, target: str
) -> None:
    here = STATUSES.index(status)
    agent = await api.hire()
    request_id = await reach(status, agent["id"])
    fields = {"assigned": {"assigned_agent_id": agent["id"]}, "resolved": _FIXED}
    answer = await api.step(request_id, target, **fields.get(target, {}))
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/transition-refused"
    assert answer.json()["allowed_next"] == list(STATUSES[here + 1 : here + 2])
    assert answer.json()["current_state"] == status


_FIXED = {"resolution_code": "fixed"}


@pytest.mark.parametrize(
    ("status", "target", "field"),
    [("triaged", "assigned", "assigned_agent_id"), ("in_progress", "resolved", "resolution_code")],
)
async def test_a_missing_field_is_named(
    api: Api, reach: Reach, status: str, target: str, field: str
) -> None:
    request_id = await reach(status, (await api.hire())["id"])
    answer = await api.step(request_id, target)
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/missing-fields"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_unknown_resolution_code_names_those_known(api: Api, reach: Reach) -> None:
    request_id = await reach("in_progress", (await api.hire())["id"])
    answer = await api.step(request_id, "resolved", resolution_code="magic")
    assert answer.status_code == 422
    assert "not_found" in answer.json()["errors"][0]["allowed"]


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("triaged", {"resolution_code": "fixed"}),
        ("triaged", {"assigned_agent_id": "0" * 24}),
        ("assigned", {"assigned_agent_id": "0" * 24, "priority": "P1"}),
        ("closed", {"priority": "P1"}),
    ],
)
async def test_a_field_of_another_step_is_refused(
    api: Api, target: str, fields: dict[str, Any]
) -> None:
    answer = await api.step((await api.file())["request_id"], target, **fields)
    assert answer.status_code == 422
    assert "is not a field of the step" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "done"},
        {"to": None},
        {"to": "triaged", "colour": "red"},
        {"to": "triaged", "expected_version": 0},
        {"to": "triaged", "priority": "P5"},
        {"to": "triaged", "note": ""},
        {"to": "triaged", "note": "x" * 4001},
        {"to": "assigned", "assigned_agent_id": "me"},
    ],
)
async def test_a_command_that_is_none_is_refused(api: Api, fields: dict[str, Any]) -> None:
    request_id = (await api.file())["request_id"]
    answer = await api.step(request_id, **fields)
    assert answer.status_code == 422
    assert len(await events_of(api, request_id)) == 1


async def test_a_stale_version_is_refused_with_the_current_one(api: Api, reach: Reach) -> None:
    request_id = await reach("triaged")
    answer = await api.step(request_id, "assigned", expected_version=1)
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/stale-version"
    assert answer.json()["current_version"] == 2


async def patch_if_match(api: Api, request_id: str, etag: str, **fields: Any) -> tuple[int, str]:
    answer = await api.client.patch(
        f"/requests/{request_id}/transition",
        json={"to": "triaged", **fields},
        headers=api.as_("dispatcher") | {"If-Match": etag},
    )
    return answer.status_code, answer.json().get("type", "")


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', "1", "*"])
async def test_if_match_of_the_current_version_lets_the_step_pass(api: Api, etag: str) -> None:
    status, _ = await patch_if_match(api, (await api.file())["request_id"], etag)
    assert status == 200


@pytest.mark.parametrize("etag", ['"7"', '"0"'])
async def test_if_match_of_another_version_is_stale(api: Api, etag: str) -> None:
    request_id = (await api.file())["request_id"]
    assert await patch_if_match(api, request_id, etag) == (409, "/problems/stale-version")


@pytest.mark.parametrize("etag", ['"one"', "", '"-1"', "²", "x" * 41])
async def test_if_match_that_is_no_version_is_refused(api: Api, etag: str) -> None:
    request_id = (await api.file())["request_id"]
    raw: Any = etag.encode("latin-1")
    assert (await patch_if_match(api, request_id, raw))[0] == 422


async def test_if_match_and_expected_version_must_agree(api: Api) -> None:
    request_id = (await api.file())["request_id"]
    assert (await patch_if_match(api, request_id, '"1"', expected_version=2))[0] == 422
    assert (await patch_if_match(api, request_id, '"1"', expected_version=1))[0] == 200


async def test_two_that_assign_at_once_take_one_unit_of_one_agent(api: Api, reach: Reach) -> None:
    agents, request_id = [await api.hire(), await api.hire()], await reach("triaged")
    answers = await asyncio.gather(
        *(api.step(request_id, "assigned", assigned_agent_id=a["id"]) for a in agents)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    taken = [(await agent_of(api, agent))["open_assignments"] for agent in agents]
    assert sorted(taken) == [0, 1]


async def test_an_agent_that_does_not_exist_is_refused(api: Api, reach: Reach) -> None:
    request_id = await reach("triaged")
    answer = await api.step(request_id, "assigned", assigned_agent_id="0" * 24)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "assigned_agent_id"


async def test_an_inactive_agent_is_refused(api: Api, reach: Reach) -> None:
    agent, request_id = await api.hire(active=False), await reach("triaged")
    answer = await api.step(request_id, "assigned", assigned_agent_id=agent["id"])
    assert answer.status_code == 409
    assert "is not active" in answer.json()["detail"]


async def test_a_full_agent_is_refused_until_work_is_resolved(api: Api, reach: Reach) -> None:
    agent = await api.hire(capacity=1)
    working_on, waiting = await reach("in_progress", agent["id"]), await reach("triaged")
    assign = {"assigned_agent_id": agent["id"]}
    answer = await api.step(waiting, "assigned", **assign)
    assert answer.status_code == 409
    assert "is full: 1 open, capacity 1" in answer.json()["detail"]
    assert len(await events_of(api, waiting)) == 2
    assert (await api.step(working_on, "resolved", resolution_code="fixed")).status_code == 200
    assert (await agent_of(api, agent))["open_assignments"] == 0
    assert (await api.step(waiting, "assigned", **assign)).status_code == 200


async def test_capacity_cannot_be_overdrawn_by_racing(api: Api, reach: Reach) -> None:
    agent = await api.hire(capacity=3)
    waiting = [await reach("triaged") for _ in range(10)]
    answers = await asyncio.gather(
        *(api.step(request, "assigned", assigned_agent_id=agent["id"]) for request in waiting)
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 7
    assert (await agent_of(api, agent))["open_assignments"] == 3


async def test_agents_act_on_their_own_work_only(api: Api, reach: Reach) -> None:
    agent, other = await api.hire(), await api.hire()
    request_id = await reach("assigned", agent["id"])
    refused = await api.step(request_id, "in_progress", "agent", subject=other["agent_code"])
    assert refused.status_code == 403
    assert "is not assigned to you" in refused.json()["detail"]
    mine = {"subject": agent["agent_code"]}
    assert (await api.step(request_id, "in_progress", "agent", **mine)).status_code == 200
    assert (await api.step(request_id, "resolved", "agent", **_FIXED, **mine)).status_code == 200
    assert (await events_of(api, request_id))[4]["by"] == {
        "actor_type": "agent",
        "actor_id": agent["agent_code"],
    }


async def test_agents_neither_assign_nor_close(api: Api, reach: Reach) -> None:
    agent = await api.hire()
    mine = {"subject": agent["agent_code"]}
    triaged, resolved = await reach("triaged"), await reach("resolved", agent["id"])
    assign = {"assigned_agent_id": agent["id"]}
    assert (await api.step(triaged, "assigned", "agent", **assign, **mine)).status_code == 403
    assert (await api.step(resolved, "closed", "agent", **mine)).status_code == 403


async def test_an_auditor_watches_only(api: Api) -> None:
    request_id = (await api.file())["request_id"]
    assert (await api.step(request_id, "triaged", "auditor")).status_code == 403
