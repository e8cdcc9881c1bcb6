"""``cst audit``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import typer

from cst_cli.context import with_database
from cst_core.settings import Settings
from cst_ledger.verify import Verdict, verify_all, verify_one
from cst_mongo.client import Database

app = typer.Typer(help="Proofs from the ledger.", no_args_is_help=True)

#: Broken requests that are named; the rest is counted.
SHOWN = 50


@app.callback()
def _group() -> None:
    """Proofs from the ledger."""


@app.command()
def verify(
    request: Annotated[
        str | None, typer.Option(help="one request only, e.g. CST-2026-0001")
    ] = None,
) -> None:
    """Check every hash chain, and every document against its events; exit 1 when one is wrong."""

    async def work(database: Database, _: Settings) -> tuple[int, int, list[str]]:
        requests = events = 0
        broken: list[str] = []
        verdicts = verify_all(database) if request is None else _single(database, request)
        async for verdict in verdicts:
            requests, events = requests + 1, events + verdict.events
            broken += [f"{verdict.request_id} {problem}" for problem in verdict.problems]
        return requests, events, broken

    requests, events, broken = with_database(work, process="audit")
    for line in broken[:SHOWN]:
        typer.echo(line, err=True)
    if broken:
        typer.echo(f"{len(broken)} problems in {requests} requests, {events} events", err=True)
        raise typer.Exit(1)
    typer.echo(f"{requests} requests, {events} events: every chain holds")


async def _single(database: Database, request: str) -> AsyncIterator[Verdict]:
    yield await verify_one(database, request)
