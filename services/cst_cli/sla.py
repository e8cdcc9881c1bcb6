"""``cst sla``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from cst_city.loader import CityError
from cst_city.promise_files import with_promises
from cst_cli.context import with_core
from cst_core.errors import ConfigError
from cst_process.core import Core
from cst_sla.domain.what_if import Comparison, Outcome, compare
from cst_sla.repository import SlaRepository

app = typer.Typer(help="The city's promises.", no_args_is_help=True)

#: Requests read at a time.
BATCH = 1000


@app.callback()
def _group() -> None:
    """The city's promises."""


@app.command("what-if")
def what_if(
    policies: Annotated[
        Path | None, typer.Option(help="file like sla_policies.yaml; default: the city's own")
    ] = None,
    calendars: Annotated[
        Path | None, typer.Option(help="file with `calendars`; default: the city's own")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="a JSON object a line for each category")
    ] = False,
) -> None:
    """Judge every request of the ledger under other promises, beside what was. Changes nothing.

    Met and missed are of what has ended, or is overdue by now; breached is what was late by more
    than its policy's slack. History from elsewhere is judged, too.
    """
    if policies is None and calendars is None:
        raise ConfigError("give --policies, --calendars, or both")

    async def work(core: Core) -> dict[str, Comparison]:
        try:
            other = with_promises(await core.catalog.get(), policies, calendars)
        except CityError as error:
            raise ConfigError(str(error)) from None
        now, repository = core.clock.now(), SlaRepository(core.db)
        found: dict[str, Comparison] = {}
        async for ids in repository.request_ids(BATCH):
            for document in await repository.requests(ids):
                compare(found, document, other, now)
        return found

    found = with_core(work, process="what-if")
    for line in (_json_lines if as_json else _lines)(found):
        typer.echo(line)


def _lines(found: dict[str, Comparison]) -> list[str]:
    header = (
        f"{'category':<42}{'requests':>9}{'met was':>9}{'would':>9}"
        f"{'met % was':>11}{'would':>8}{'breached was':>14}{'would':>8}"
    )
    rows = [_line(code, found[code]) for code in sorted(found)]
    return [header, *rows]


def _line(code: str, row: Comparison) -> str:
    was, would_be = row.was, row.would_be
    return (
        f"{code:<42}{max(was.promised, would_be.promised):>9}{was.met:>9}{would_be.met:>9}"
        f"{_percent(was):>11}{_percent(would_be):>8}{was.breached:>14}{would_be.breached:>8}"
    )


def _percent(outcome: Outcome) -> str:
    share = outcome.met_share
    return "-" if share is None else f"{share:.1%}"


def _json_lines(found: dict[str, Comparison]) -> list[str]:
    return [
        orjson.dumps(
            {"category": code, "was": _plain(row.was), "would_be": _plain(row.would_be)}
        ).decode()
        for code, row in sorted(found.items())
    ]


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "promised": outcome.promised,
        "met": outcome.met,
        "missed": outcome.missed,
        "breached": outcome.breached,
    }
