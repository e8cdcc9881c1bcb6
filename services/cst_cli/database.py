"""``cst db`` and ``cst city``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.system import city_folder, load_city_into, migrate_database
from cst_cli.context import with_database
from cst_core.settings import Settings
from cst_mongo.client import Database

db = typer.Typer(help="The database's shape.", no_args_is_help=True)
city = typer.Typer(help="The city's data.", no_args_is_help=True)


@db.command()
def migrate() -> None:
    """Create what is missing of collections, indexes and rules; harmless when nothing is."""

    async def work(database: Database, _: Settings) -> list[str]:
        return await migrate_database(database)

    names = with_database(work, process="migrate")
    typer.echo(f"{len(names)} collections ready")


@city.command()
def load(
    folder: Annotated[Path | None, typer.Argument(help="default: that of CST_CITY")] = None,
    zones: Annotated[Path | None, typer.Option(help="GeoJSON file of an external source")] = None,
) -> None:
    """Load a city's folder: checked whole first, then written whole."""

    async def work(database: Database, settings: Settings) -> tuple[Path, bool]:
        await migrate_database(database)
        chosen = folder or city_folder(settings)
        return chosen, await load_city_into(database, settings, chosen, zones)

    chosen, written = with_database(work, process="city")
    typer.echo(f"{chosen}: {'loaded' if written else 'is loaded already, nothing has changed'}")
