"""Rule sets as data: stored as versions, never edited, pinned by requests, adopted when asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cst_contracts.requests import TransitionCommand
from cst_core.errors import ConfigError
from cst_http.tokens import Caller
from cst_ledger.rules import RuleBook, shipped_rules
from cst_process.core import Core, open_core
from cst_testkit.apps import report
from cst_testkit.desk import Desk, fields_of
from cst_workflow.transitions import TransitionService

PATH = "/workflow-rules"


def rules(version: str, **overrides: Any) -> dict[str, Any]:
    """Return v1.1 under another version."""
    return shipped_rules()[1] | {"version": version} | overrides


async def test_the_shipped_versions_are_listed_and_read(desk: Desk) -> None:
    listed = (await desk.get(PATH)).json()
    assert [item["version"] for item in listed][:2] == ["v1.0", "v1.1"]
    assert (await desk.get(f"{PATH}/v1.1")).json() == listed[1]
    assert (await desk.get(f"{PATH}/v9.9")).status_code == 404
    assert (await desk.get(f"{PATH}/latest")).status_code == 422


async def test_a_version_is_stored_once_and_never_edited(desk: Desk) -> None:
    answer = await desk.post(PATH, "admin", **rules("v2.0", resolution_codes=["fixed", "moved"]))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{PATH}/v2.0"
    assert (await desk.get(f"{PATH}/v2.0")).json() == answer.json()
    stored = await desk.api.core.db["workflow_rules"].find_one({"_id": "v2.0"})
    again = await desk.post(PATH, "admin", **rules("v2.0", resolution_codes=["fixed"]))
    assert again.status_code == 409
    shipped = await desk.post(PATH, "admin", **rules("v1.0"))
    assert shipped.status_code == 409
    assert await desk.api.core.db["workflow_rules"].find_one({"_id": "v2.0"}) == stored


async def test_of_many_who_store_one_version_at_once_one_does(desk: Desk) -> None:
    bodies = [rules("v2.1", max_hold_days=days) for days in range(1, 21)]
    answers = await asyncio.gather(*(desk.post(PATH, "admin", **body) for body in bodies))
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    [won] = [answer.json() for answer in answers if answer.status_code == 201]
    assert (await desk.get(f"{PATH}/v2.1")).json() == won


@pytest.mark.parametrize("role", ["dispatcher", "supervisor", "auditor"])
async def test_admins_only_store_and_adopt(desk: Desk, role: str) -> None:
    assert (await desk.post(PATH, role, **rules("v2.2"))).status_code == 403
    assert (await desk.post(f"{PATH}/v1.1/adopt", role)).status_code == 403
    assert (await desk.get(f"{PATH}/v2.2")).status_code == 404


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"version": "2"}, ["version"]),
    ({"edges": []}, ["edges"]),
    ({"resolution_codes": []}, ["resolution_codes"]),
    ({"resolution_codes": ["Fixed!"]}, ["resolution_codes.0"]),
    ({"hold_reasons": [""]}, ["hold_reasons.0"]),
    ({"max_hold_days": 0}, ["max_hold_days"]),
    ({"motto": "x"}, ["motto"]),
    (
        {"edges": [{"from": "new", "to": "closed", "required": ["luck"], "roles": ["king"]}]},
        ["edges.0.required", "edges.0.roles", "edges.0.required"],
    ),
    ({"edges": [{"from": "new", "to": "triaged"}]}, ["edges", "edges"]),
    (
        {
            "edges": [
                {
                    "from": "new",
                    "to": "closed",
                    "required": ["resolution_code"],
                    "required_by_category": {"dragons": ["note"]},
                }
            ]
        },
        ["edges.0.required_by_category"],
    ),
]


@pytest.mark.parametrize(("wrong", "fields"), WRONG, ids=[str(w)[:50] for w, _ in WRONG])
async def test_a_wrong_version_is_refused_with_every_fault(
    desk: Desk, wrong: dict[str, Any], fields: list[str]
) -> None:
    before = await desk.api.core.db["workflow_rules"].count_documents({})
    answer = await desk.post(PATH, "admin", **rules("v3.0") | wrong)
    assert (answer.status_code, fields_of(answer)) == (422, fields), answer.text
    assert await desk.api.core.db["workflow_rules"].count_documents({}) == before


async def test_new_requests_are_bound_to_the_citys_version_and_old_ones_keep_theirs(
    desk: Desk,
) -> None:
    old = await desk.reach("new")
    await desk.use_rules("v1.1")
    new = await desk.reach("new")
    pinned = [(await desk.load(i))["workflow"] for i in (old, new)]
    assert [p["transition_rules_version"] for p in pinned] == ["v1.0", "v1.1"]
    assert [p["allowed_next"] for p in pinned] == [["triaged"], ["triaged", "closed"]]


async def test_a_city_that_names_rules_nobody_stored_is_a_fault_of_its_own(desk: Desk) -> None:
    await desk.use_rules("v7.7")
    with pytest.raises(ConfigError, match=r"^rules_version: 'v7.7' .* POST /workflow-rules") as why:
        await desk.api.core.new_rules()
    assert "\n" not in str(why.value)
    before = await desk.api.stored()
    answer = await desk.api.client.post("/requests/", json=report())
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/config")
    assert await desk.api.stored() == before


async def another(desk: Desk) -> Core:
    """Return the core as another process has it, which has read the shipped rules only."""
    core = desk.api.core
    return Core(core.settings, core.db, core.clock, core.catalog, RuleBook.shipped(), core.counter)


async def test_other_processes_learn_a_new_version_without_a_restart(desk: Desk) -> None:
    elsewhere = await another(desk)
    await desk.post(PATH, "admin", **rules("v2.3", hold_reasons=["rain"]))
    await desk.use_rules("v2.3")
    assert (await elsewhere.new_rules()).version == "v2.3"
    request_id = await desk.reach("new")
    service = TransitionService(await another(desk))
    dispatcher = Caller("mrivera", frozenset({"dispatcher"}))
    command = TransitionCommand(to="closed", resolution_code="spam", note="An advertisement")
    closed = await service.transition(request_id, command, dispatcher)
    assert closed["status"] == "closed"


async def test_a_process_starts_with_what_is_stored_or_says_what_is_wrong(desk: Desk) -> None:
    broken = {"_id": "v8.0", "version": "v8.0", "edges": [], "resolution_codes": []}
    await desk.api.core.db["workflow_rules"].insert_one(broken)
    try:
        with pytest.raises(ConfigError, match=r"rules v8.0: edges"):
            async with open_core(desk.api.core.settings, "test"):
                pass
    finally:
        await desk.api.core.db["workflow_rules"].delete_one({"_id": "v8.0"})


async def adopt(desk: Desk, version: str, **body: Any) -> dict[str, Any]:
    answer = await desk.post(f"{PATH}/{version}/adopt", "admin", **body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def forget_all(desk: Desk) -> None:
    """Leave no request of another test."""
    await desk.api.core.db["service_requests"].delete_many({})
    await desk.api.core.db["performance_logs"].delete_many({})


async def test_adopting_says_first_what_would_happen_and_then_does_it(desk: Desk) -> None:
    await forget_all(desk)
    agent = await desk.hire()
    ids = {s: await desk.reach(s, agent) for s in ("new", "triaged", "assigned", "resolved")}
    done = await desk.reach("closed", agent)
    waiting = await desk.reach("new")
    await desk.hold(waiting)
    narrow = rules("v2.4", resolution_codes=["spam"], hold_reasons=["rain"])
    await desk.post(PATH, "admin", **narrow)
    planned = await adopt(desk, "v2.4")
    assert planned["dry_run"] is True
    assert (planned["legal"], planned["illegal"]) == (3, 2)
    reasons = {item["request_id"]: item["reason"] for item in planned["illegal_requests"]}
    assert reasons == {
        ids["resolved"]: "its resolution code fixed is unknown there",
        waiting: "it is held for weather, which is no reason there",
    }
    assert "rules_changed" not in await desk.types(ids["new"])
    did = await adopt(desk, "v2.4", dry_run=False)
    assert did == planned | {"dry_run": False}
    for status in ("new", "triaged", "assigned"):
        document = await desk.load(ids[status])
        assert document["workflow"]["transition_rules_version"] == "v2.4"
        expected = {"new": ["triaged", "closed"], "triaged": ["assigned", "closed"]}
        wanted = expected.get(status, ["in_progress", "triaged"])
        assert document["workflow"]["allowed_next"] == wanted
        changed = (await desk.events(ids[status]))[-1]
        assert changed["meta"] == {"from_version": "v1.0", "to_version": "v2.4"}
    for request_id in (ids["resolved"], waiting, done):
        document = await desk.load(request_id)
        assert document["workflow"]["transition_rules_version"] == "v1.0"
    assert (await adopt(desk, "v2.4", dry_run=False))["legal"] == 0
    step = await desk.api.step(ids["new"], "closed", resolution_code="spam", note="Spam")
    assert step.status_code == 200, step.text


async def test_adopting_from_one_version_leaves_the_others(desk: Desk) -> None:
    await forget_all(desk)
    strict = await desk.reach("new")
    await desk.use_rules("v1.1")
    easy = await desk.reach("new")
    await desk.post(PATH, "admin", **rules("v2.5"))
    did = await adopt(desk, "v2.5", from_version="v1.1", dry_run=False)
    assert (did["legal"], did["illegal"]) == (1, 0)
    versions = [
        (await desk.load(i))["workflow"]["transition_rules_version"] for i in (strict, easy)
    ]
    assert versions == ["v1.0", "v2.5"]


async def test_who_adopts_twice_at_once_moves_each_request_once(desk: Desk) -> None:
    await forget_all(desk)
    ids = [await desk.reach("new") for _ in range(30)]
    answers = await asyncio.gather(*(adopt(desk, "v1.1", dry_run=False) for _ in range(4)))
    assert sum(answer["legal"] for answer in answers) == len(ids)
    for request_id in ids:
        assert await desk.types(request_id) == ["created", "rules_changed"]


async def test_what_cannot_be_adopted_is_refused(desk: Desk) -> None:
    request_id = await desk.reach("new")
    async with desk.untouched(request_id):
        unknown = await desk.post(f"{PATH}/v9.9/adopt", "admin", dry_run=False)
        assert unknown.status_code == 404
        source = await desk.post(f"{PATH}/v1.1/adopt", "admin", from_version="v9.9", dry_run=False)
        assert (source.status_code, fields_of(source)) == (422, ["from_version"])
        assert "v1.0" in source.json()["errors"][0]["allowed"]
        wrong = await desk.post(f"{PATH}/v1.1/adopt", "admin", dry_run="perhaps")
        assert (wrong.status_code, fields_of(wrong)) == (422, ["dry_run"])
