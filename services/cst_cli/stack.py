"""``cst up|down``: the embedded stack, and the whole system over it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.settings import AppSettings
from app.system import prepare
from cst_cli.context import settings_for
from cst_cli.system import System
from cst_core.settings import load_settings
from cst_stack import Home
from cst_stack import down as stop_stack
from cst_stack.ports import free_port


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command()
    def up(
        port: Annotated[int, typer.Option(min=0, max=65535, help="of the API; 0: any")] = 8000,
    ) -> None:
        """Start what is not running: the embedded stack, the API, the relay, the workers."""
        settings = settings_for(AppSettings, "up")
        asyncio.run(prepare(settings))
        url = System(settings).start(port or free_port())
        typer.echo(f"API     {url}/docs")
        typer.echo(f"MongoDB {settings.mongo_uri}")
        typer.echo(f"Kafka   {settings.kafka}")

    @app.command()
    def down() -> None:
        """Stop everything that `cst up` started; the data stays."""
        settings = load_settings(AppSettings)
        stopped = ["system"] if System(settings).stop() else []
        stopped += stop_stack(Home(settings.home))
        typer.echo(f"stopped: {', '.join(stopped) or 'nothing was running'}")
