"""`cst sla what-if`: other promises over the same history, and nothing written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from sla_kit import fire

from cst_testkit.commands import run_cst
from cst_testkit.desk import Desk
from cst_testkit.pump import Pump

POLICIES = """
policies:
  - policy_id: quick
    category: pothole
    zone: "*"
    priority: "*"
    target_hours: {hours}
    calendar: {calendar}
    escalation_steps: [{{after_hours: 1, action: "{action}"}}]
"""


async def cst(desk: Desk, *arguments: str) -> tuple[int, str, str]:
    """Run the command over the test's database, by its clock."""
    settings = desk.api.core.settings
    now = desk.api.core.clock.now().isoformat()
    environ = os.environ | {
        "MONGO_URI": settings.mongo_uri,
        "MONGO_DB": settings.mongo_db,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "CST_CITY": "new-york",
        "CST_CLOCK": f"{now}@1",
    }
    return await run_cst(environ, Path.cwd(), *arguments)


def policies(folder: Path, hours: float, calendar: str = "24x7", action: str = "reassign") -> str:
    path = folder / "other.yaml"
    path.write_text(POLICIES.format(hours=hours, calendar=calendar, action=action))
    return str(path)


async def test_requests_are_judged_again_and_left_as_they_are(desk: Desk, tmp_path: Path) -> None:
    done = await desk.reach("resolved")
    await desk.reach("triaged")
    await Pump(desk.api.core, ["sla"]).drain()
    await fire(desk, hours=49)
    async with desk.untouched(done):
        code, out, err = await cst(
            desk, "sla", "what-if", "--policies", policies(tmp_path, 1e-9), "--json"
        )
    assert (code, err) == (0, "")
    rows = {row["category"]: row for row in map(json.loads, out.splitlines())}
    pothole = rows["pothole"]
    assert pothole["was"]["met"] >= 1
    assert pothole["was"]["breached"] == 0
    assert pothole["would_be"]["met"] == 0
    assert pothole["would_be"]["breached"] == pothole["would_be"]["promised"] >= 2
    code, out, _ = await cst(desk, "sla", "what-if", "--policies", policies(tmp_path, 2))
    assert code == 0
    assert out.splitlines()[0].startswith("category")


@pytest.mark.parametrize(
    ("hours", "calendar", "action", "said"),
    [
        (-1, "24x7", "reassign", "policies[0].target_hours: must be greater than 0, got -1"),
        (1, "lunar", "reassign", "policies[0].calendar: unknown calendar 'lunar'"),
        (1, "24x7", "dance", "policies[0].escalation_steps[0].action: must be one of notify:"),
    ],
    ids=["hours", "calendar", "action"],
)
async def test_mistakes_in_the_file_are_named_with_their_place(
    desk: Desk, tmp_path: Path, hours: float, calendar: str, action: str, said: str
) -> None:
    path = policies(tmp_path, hours, calendar, action)
    code, out, err = await cst(desk, "sla", "what-if", "--policies", path)
    assert (code, out) == (1, "")
    assert said in err
    assert f"{path}:" in err
    assert "Traceback" not in err


async def test_it_needs_something_to_judge_by(desk: Desk) -> None:
    code, _, err = await cst(desk, "sla", "what-if")
    assert code == 1
    assert "--policies" in err
