"""``cst outbox``."""

from __future__ import annotations

from typing import Annotated

import typer

from cst_cli.context import with_database
from cst_core.settings import Settings
from cst_intake.outbox import Outbox
from cst_mongo.client import Database, Document

app = typer.Typer(help="Messages to citizens.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Messages to citizens."""


@app.command("list")
def show(
    to: Annotated[str | None, typer.Option(help="one contact only, e.g. ana@example.org")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
) -> None:
    """Show the messages of the last day, the newest last."""

    async def work(database: Database, _: Settings) -> list[Document]:
        return await Outbox(database).page(to, limit)

    for row in with_database(work, process="outbox"):
        typer.echo(f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['channel']}  {row['to']}  {row['text']}")
