"""``cst projections``."""

from __future__ import annotations

from typing import Annotated

import typer

from app.registry import PROJECTIONS
from cst_cli.context import with_core
from cst_core.errors import ConfigError
from cst_process.core import Core

#: Differences that are printed; the rest is counted.
SHOWN = 50
_NAMES = ", ".join(PROJECTIONS)

app = typer.Typer(help="What is derived from the ledger.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """What is derived from the ledger."""


@app.command("list")
def list_() -> None:
    """Print each projection and what it covers."""
    for spec in PROJECTIONS.values():
        typer.echo(f"{spec.name:<8} {spec.covers}")


@app.command()
def rebuild(name: Annotated[str, typer.Argument(help=f"one of: {_NAMES}")]) -> None:
    """Make a projection from the ledger again; everything else may go on running."""
    _known(name)

    async def work(core: Core) -> int:
        return await PROJECTIONS[name].build(core).rebuild()

    rows = with_core(work, process="projections")
    typer.echo(f"{name}: rebuilt, {rows} rows")


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help=f"one of: {_NAMES}; default: all")] = None,
) -> None:
    """Compare projections with the ledger; exit 1 when one differs.

    What the workers have not handled yet differs, too.
    """
    names = list(PROJECTIONS) if name is None else [name]
    for each in names:
        _known(each)

    async def work(core: Core) -> dict[str, list[str]]:
        return {each: await PROJECTIONS[each].build(core).check() for each in names}

    found = with_core(work, process="projections")
    for each, lines in found.items():
        _report(each, lines)
    if any(found.values()):
        raise typer.Exit(1)


def _report(name: str, lines: list[str]) -> None:
    if not lines:
        typer.echo(f"{name}: as the ledger says")
        return
    for line in lines[:SHOWN]:
        typer.echo(f"{name}: {line}", err=True)
    if len(lines) > SHOWN:
        typer.echo(f"{name}: and {len(lines) - SHOWN} lines more", err=True)


def _known(name: str) -> None:
    if name not in PROJECTIONS:
        raise ConfigError(f"{name!r} is not a projection; allowed: {_NAMES}")
