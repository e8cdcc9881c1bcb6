"""``cst duplicates``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
import typer

from cst_city.catalog import Catalog
from cst_cli.context import with_core
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import Database
from cst_process.core import Core
from cst_workflow.domain.duplicate_report import Finding, judge
from cst_workflow.domain.duplicates import Group, Report, find_groups

app = typer.Typer(help="Reports of one thing.", no_args_is_help=True)

_FIELDS = dict.fromkeys(
    (
        "request_id",
        "source.id",
        "priority",
        "location.coordinates",
        "timestamps.created_at",
        "timestamps.resolved_at",
        "timestamps.closed_at",
    ),
    1,
)


@dataclass(frozen=True, slots=True)
class _Rules:
    radius_m: float
    window_hours: float


@app.callback()
def _group() -> None:
    """Reports of one thing."""


@app.command()
def report(
    as_json: Annotated[
        bool, typer.Option("--json", help="a JSON object a line for each category, with its groups")
    ] = False,
    radius_m: Annotated[
        float | None, typer.Option(min=1, max=1000, help="instead of each category's own")
    ] = None,
    window_hours: Annotated[
        float | None, typer.Option(min=1, max=8760, help="instead of each category's own")
    ] = None,
) -> None:
    """Find groups among all stored requests, history too, and say where to link by rule.

    Nothing is changed. `separate` is the share of pairs whose later report stayed open for more
    than a day after the earlier one was closed, a sign of two jobs. Linking by rule (`auto`) is
    advised where it is at most 5 %, or where there are 10 pairs at most.
    """

    async def work(core: Core) -> None:
        catalog, now = await core.catalog.get(), core.clock.now()
        if not as_json:
            typer.echo(_HEADER)
        for code, category in catalog.categories.items():
            rules = _Rules(radius_m or category.radius_m, window_hours or category.window_hours)
            reports = [each async for each in _reports(core.db, catalog, code)]
            groups = find_groups(reports, rules)
            finding = judge(groups, now)
            if as_json:
                typer.echo(_json_line(code, category.duplicates, rules, groups, finding))
            elif finding.pairs:
                typer.echo(_line(code, category.duplicates, finding))

    with_core(work, process="duplicates")


async def _reports(db: Database, catalog: Catalog, code: str) -> AsyncIterator[Report]:
    """Yield a category's requests whose place is known; in memory is one category at a time."""
    wanted = {"category": code, "location.located": True}
    async for row in db[REQUESTS.name].find(wanted, _FIELDS).batch_size(5000):
        if tuple(row["location"]["coordinates"]) not in catalog.city.unknown_points:
            yield Report.of({"source": None, **row})


_HEADER = f"{'category':<42}{'mode':<9}{'groups':>8}{'pairs':>8}{'separate':>10}  advised"


def _line(code: str, mode: str, finding: Finding) -> str:
    counts = f"{finding.groups:>8}{finding.pairs:>8}{finding.share:>10.1%}"
    return f"{code:<42}{mode:<9}{counts}  {finding.advised}"


def _json_line(code: str, mode: str, rules: _Rules, groups: list[Group], finding: Finding) -> str:
    row: dict[str, Any] = {
        "category": code,
        "mode": mode,
        "radius_m": rules.radius_m,
        "window_hours": rules.window_hours,
        "pairs": finding.pairs,
        "separate": finding.separate,
        "share": round(finding.share, 4),
        "advised": finding.advised,
        "groups": [
            {
                "master": group.master.request_id,
                "duplicates": [each.request_id for each in group.duplicates],
            }
            for group in groups
        ],
    }
    return orjson.dumps(row).decode()
