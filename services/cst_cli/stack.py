"""``cst up|down|status``: the embedded stack, and the whole system over it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import orjson
import typer
from aiokafka.errors import KafkaError

from app.settings import AppSettings
from app.system import prepare
from cst_bus.topics_admin import end_offsets, physical
from cst_cli.context import settings_for
from cst_cli.relay import relay_rows
from cst_cli.system import System
from cst_contracts.topics import TOPICS
from cst_core.settings import load_settings
from cst_mongo.client import open_database
from cst_stack import Endpoints, Home
from cst_stack import down as stop_stack
from cst_stack import status as stack_status
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

    @app.command()
    def status(
        json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    ) -> None:
        """Show parts, processes, relay and dead letters; exit 1 when a part is not running."""
        settings = load_settings(AppSettings)
        report = _report(settings)
        if json:
            typer.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode())
        else:
            _print(report)
        if not all(part["running"] for part in report["parts"]):
            raise typer.Exit(1)


def _report(settings: AppSettings) -> dict[str, Any]:
    stack, system = stack_status(Home(settings.home)), System(settings)
    settings = system.settings()
    report: dict[str, Any] = {
        "parts": [asdict(part) for part in stack.parts],
        "processes": system.processes(),
        "api_url": system.url(),
        "mongo_uri": None,
        "mongo_db": settings.mongo_db,
        "kafka_bootstrap_servers": None,
        "relay": [],
        "dead_letters": {},
    }
    if stack.endpoints is not None:
        report |= asyncio.run(_live(stack.endpoints, settings))
    return report


async def _live(endpoints: Endpoints, settings: AppSettings) -> dict[str, Any]:
    """What only a running stack can tell."""
    async with open_database(endpoints.mongo_uri, settings.mongo_db, app="status") as database:
        rows = await relay_rows(database)
    dead: dict[str, int | None] = {}
    for topic in (topic for topic in TOPICS if topic.dead_letter):
        name = physical(topic.dlq, settings.topic_prefix)
        try:
            ends = await end_offsets(endpoints.kafka_bootstrap_servers, name)
            dead[name] = sum(ends.values())
        except KafkaError:
            dead[name] = None
    return {
        "mongo_uri": endpoints.mongo_uri,
        "kafka_bootstrap_servers": endpoints.kafka_bootstrap_servers,
        "relay": rows,
        "dead_letters": dead,
    }


def _print(report: dict[str, Any]) -> None:
    for part in report["parts"]:
        state = f"running, pid {part['pid']}, port {part['port']}" if part["running"] else "down"
        typer.echo(f"{part['name']:<16}{state}  {part['detail']}".rstrip())
    for process in report["processes"]:
        typer.echo(
            f"{process['name']:<16}running, pid {process['pid']}, {process['memory_mib']} MiB"
        )
    if report["api_url"]:
        typer.echo(f"{'api_url':<16}{report['api_url']}")
    for row in report["relay"]:
        leader = f"led by {row['leader']}" if row["leader"] else "no leader"
        rebuilding = ", rebuilding" if row["rebuild"] else ""
        typer.echo(f"{'relay':<16}{row['feed']}: {row['sent']} sent, {leader}{rebuilding}")
    for name, count in report["dead_letters"].items():
        shown = "unknown" if count is None else count
        typer.echo(f"{'dead letters':<16}{name}: {shown}")
