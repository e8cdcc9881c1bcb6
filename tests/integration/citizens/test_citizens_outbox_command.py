"""``cst outbox list`` shows codes, and a citizen's requests are found by an index."""

from __future__ import annotations

from pathlib import Path

from bson import ObjectId
from citizens_kit import Registry, fresh_email

from cst_stack import Endpoints
from cst_testkit.commands import command


async def shown(registry: Registry, stack: Endpoints, home: Path, *arguments: str) -> str:
    """Run ``cst outbox list`` over the database of ``registry``; return what it prints."""
    cst = command(stack, registry.api.core.db.name, home, "outbox", "list")
    code, out, _ = await cst(*arguments)
    assert code == 0
    return out


async def test_the_command_shows_a_citizens_code(
    registry: Registry, stack: Endpoints, tmp_path: Path
) -> None:
    mine, other = fresh_email(), fresh_email()
    for email in (mine, other):
        await registry.register(contacts={"email": email})
    (line,) = (await shown(registry, stack, tmp_path, "--to", mine)).splitlines()
    assert await registry.code(mine) in line
    assert mine in line
    last = (await shown(registry, stack, tmp_path, "--limit", "1")).splitlines()
    assert len(last) == 1
    assert other in last[0]


async def test_own_requests_are_found_by_an_index(registry: Registry) -> None:
    citizen_id, me = await registry.verified(fresh_email())
    for owner in (None, citizen_id):
        reference = {"citizen_id": owner}
        body = {"citizen_ref": reference, "category": "noise", "description": "Loud"}
        body |= {"location": {"type": "Point", "coordinates": [-74.0, 40.71]}}
        assert (await registry.post("/requests/", body, **me)).status_code == 201
    rows = registry.api.core.db["service_requests"]
    wanted = {"citizen_ref.citizen_id": ObjectId(citizen_id)}
    plan = await rows.find(wanted).sort("_id", -1).explain()
    stats = plan["executionStats"]
    assert (stats["totalKeysExamined"], stats["totalDocsExamined"]) == (1, 1)
    assert "SORT'" not in str(plan["queryPlanner"]["winningPlan"])
