"""``cst feeds`` as operators type it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from geo_kit import Report, emptied, file_reports

from cst_stack import Endpoints
from cst_testkit.apps import Api
from cst_testkit.commands import Cst, command

PLAN = {"title": "Everything", "query": {}, "audience": "public"}


@pytest.fixture
def cst(api: Api, stack: Endpoints, tmp_path: Path) -> Cst:
    """Run ``cst feeds …`` over the database; return (exit code, output, complaints)."""
    return command(stack, api.core.db.name, tmp_path, "feeds")


async def test_an_operator_takes_snapshots_and_compares_them(api: Api, cst: Cst) -> None:
    await emptied(api.core)
    url = "/analytics/geofeeds/all"
    await api.client.put(url, json=PLAN, headers=api.as_("admin"))
    code, out, _ = await cst("take", "all")
    assert (code, out.split(" at ")[0]) == (0, "all@1: 0 hexagons")
    await file_reports(api.core, [Report(), Report()])
    code, out, _ = await cst("take", "all", "--json")
    assert (code, orjson.loads(out)["number"]) == (0, 2)
    code, out, _ = await cst("diff", "all", "--from", "1")
    totals, cell = out.splitlines()
    assert code == 0
    assert "0 rose, 0 fell, 1 came, 0 went, 0 unchanged; count 0 to 2" in totals
    assert cell.split()[1:] == ["came", "0", "2", "+2"]
    code, out, _ = await cst("list")
    header, feed = out.splitlines()
    assert header.startswith("feed ")
    assert feed.split()[:3] == ["all", "public", "2"]


async def test_the_command_says_in_a_line_what_it_cannot_do(api: Api, cst: Cst) -> None:
    await emptied(api.core)
    for arguments in (("take", "absent"), ("diff", "absent"), ("diff", "absent", "--from", "x")):
        code, out, complaints = await cst(*arguments)
        assert (code, out, complaints) == (1, "", "cst: no feed absent\n")
    assert (await cst("list", "--json")) == (0, "", "")
