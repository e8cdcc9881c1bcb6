"""The commands of ``cst contracts``."""

from __future__ import annotations

from typing import Annotated

import typer

from cst_cli.contracts import files
from cst_core.errors import ConfigError

app = typer.Typer(help="Schemas of events, AsyncAPI and OpenAPI.", no_args_is_help=True)


@app.command()
def generate() -> None:
    """Write schemas, asyncapi.yaml and openapi.json from the code; examples are yours."""
    changed = files.write(files.contracts_folder())
    typer.echo("\n".join(f"wrote contracts/{name}" for name in changed) or "nothing has changed")


@app.command()
def check(
    against: Annotated[
        str | None,
        typer.Option(help="revision to be compatible with; else every one in Git's history"),
    ] = None,
) -> None:
    """Compare the committed contracts with the code and its history; exit 1 when one is wrong."""
    try:
        # The two validators it needs are tools of development.
        from cst_cli.contracts import checks
    except ImportError as error:
        raise ConfigError(
            f"{error.name} is not installed: run `pip install -r requirements-dev.lock`"
        ) from None
    folder = files.contracts_folder()
    lines = [*checks.drift(folder), *checks.incompatible(folder, against)]
    for line in lines:
        typer.echo(line, err=True)
    if lines:
        raise typer.Exit(1)
    typer.echo("the contracts are what the code says, and compatible with every one before")
