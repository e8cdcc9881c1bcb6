"""Other promises for what is open: only when asked, shown first, without losing used time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sla_kit import OFFICE, Promises, fire, told

from cst_calendar import calendar_of
from cst_contracts.sla import ReselectCommand
from cst_http.tokens import Caller
from cst_ledger.events import Document
from cst_sla.policies import PolicyAdmin
from cst_testkit.desk import Desk, fields_of
from cst_testkit.pump import Pump
from cst_workflow.holds import HoldService

PATH = "/sla-policies"
SHORTER = {"target_hours": 36, "breach_threshold_hours": 36, "escalation_steps": []}
ADMIN = Caller("chief", frozenset({"admin"}))


async def reselect(desk: Desk, **body: Any) -> dict[str, Any]:
    answer = await desk.post(f"{PATH}/reselect", "admin", **body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def clock(desk: Desk, request_id: str) -> Document:
    await Pump(desk.api.core, ["sla"]).drain()
    found = await desk.api.core.db["sla_clocks"].find_one({"_id": request_id})
    assert found is not None
    return found


async def test_loading_other_policies_makes_a_version_and_moves_nothing(
    desk: Desk, promises: Promises
) -> None:
    request_id = (await desk.api.file())["request_id"]
    async with desk.untouched(request_id):
        before = (await desk.get(f"{PATH}/versions")).json()
        await promises.load({"pothole": SHORTER}, OFFICE)
        after = (await desk.get(f"{PATH}/versions")).json()
        assert after[:-1] == before
        assert after[-1]["version"] == before[-1]["version"] + 1
        whole = (await desk.get(f"{PATH}/versions/{after[-1]['version']}")).json()
        pothole = next(row for row in whole["policies"] if row["policy_id"] == "pothole")
        assert pothole["target_hours"] == 36
        assert whole["calendars"]["office"]["weekly"]["mon"] == [["08:30", "17:00"]]
        assert (await desk.get(f"{PATH}/versions/999")).status_code == 404
    fresh = await desk.load((await desk.api.file())["request_id"])
    assert fresh["sla_policy"]["version"] == after[-1]["version"]


async def test_what_would_change_is_shown_first_and_then_done(
    desk: Desk, promises: Promises
) -> None:
    request_id = (await desk.api.file())["request_id"]
    other = (await desk.api.file(category="graffiti", description="Paint"))["request_id"]
    await promises.load({"pothole": SHORTER})
    async with desk.untouched(request_id):
        shown = await reselect(desk)
    assert shown["dry_run"] is True
    assert shown["changed"] == shown["shortened"] == len(shown["requests"]) >= 1
    assert {row["from_policy_id"] for row in shown["requests"]} == {"pothole"}
    assert request_id in {row["request_id"] for row in shown["requests"]}
    async with desk.untouched(other):
        done = await reselect(desk, dry_run=False)
    assert done["requests"] == shown["requests"]
    document = await desk.load(request_id)
    assert document["due_at"] == document["timestamps"]["created_at"] + timedelta(hours=36)
    assert (await clock(desk, request_id))["due_at"] == document["due_at"]
    event = (await desk.events(request_id))[-1]
    assert (event["type"], event["by"]["actor_id"]) == ("policy_changed", "tester")
    again = await reselect(desk, dry_run=False)
    assert (again["changed"], again["unchanged"]) == (0, shown["changed"] + shown["unchanged"])


async def test_used_time_stays_used_and_fired_steps_do_not_fire_again(
    desk: Desk, promises: Promises
) -> None:
    request_id = (await desk.api.file())["request_id"]
    await clock(desk, request_id)
    await fire(desk, hours=55)
    before = await told(desk, request_id)
    assert [name for name, _ in before] == ["escalated", "sla_at_risk"]
    await promises.load({"pothole": {"target_hours": 60, "breach_threshold_hours": 100}})
    await PolicyAdmin(desk.later(hours=56)).reselect(ReselectCommand(dry_run=False), ADMIN)
    await clock(desk, request_id)
    await fire(desk, hours=56.1)
    # Three quarters of 60 hours: at risk by the new promise too, since its 45th hour.
    assert await told(desk, request_id) == [*before, ("sla_at_risk", 45)]
    await fire(desk, hours=61)
    assert (await told(desk, request_id))[-1] == ("sla_overdue", 60)


async def test_a_hold_moves_the_due_time_by_its_business_days_under_the_new_policy(
    desk: Desk, promises: Promises
) -> None:
    """Held from Tuesday noon to Friday noon, three business days; changed on the second of them."""
    await promises.load({}, OFFICE)
    request_id = (await desk.api.file())["request_id"]
    assert (await desk.hold(request_id, days=3)).status_code == 200
    fields = {"calendar": "office", "target_hours": 17, "breach_threshold_hours": 34}
    await promises.load({"pothole": fields | {"escalation_steps": []}}, OFFICE)
    await reselect(desk, dry_run=False)
    unheld = (await desk.load(request_id))["due_at"]
    held = (await desk.load(request_id))["workflow"]["hold"]
    assert await HoldService(desk.later(days=4)).resume_due() >= 1
    document = await desk.load(request_id)
    office = calendar_of(document["sla_policy"]["calendar_terms"])
    stood_still = office.elapsed(held["since"], held["until"])
    assert abs(stood_still - timedelta(hours=25.5)) < timedelta(seconds=5)
    assert office.elapsed(unheld, document["due_at"]) == stood_still


async def test_wrong_input_is_named(desk: Desk) -> None:
    answer = await desk.post(f"{PATH}/reselect", "admin", category="pot_hole")
    assert (answer.status_code, fields_of(answer)) == (422, ["category"])
    answer = await desk.post(f"{PATH}/reselect", "admin", dry_run="perhaps")
    assert (answer.status_code, fields_of(answer)) == (422, ["dry_run"])
    assert (await desk.post(f"{PATH}/reselect", "supervisor")).status_code == 403
    assert (await desk.get(f"{PATH}/versions/zero")).status_code == 422
