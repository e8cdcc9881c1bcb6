"""``cst topics``."""

from __future__ import annotations

import asyncio

import typer

from cst_bus.topics_admin import end_offsets, ensure_topics, physical
from cst_cli.context import settings_for
from cst_contracts.topics import TOPICS
from cst_core.settings import Settings

app = typer.Typer(help="The Kafka topics.", no_args_is_help=True)


@app.command("list")
def list_topics() -> None:
    """List every topic with its key and how many records its partitions have taken."""
    settings = settings_for(Settings, "topics")
    for topic in TOPICS:
        for name in topic.names:
            real = physical(name, settings.topic_prefix)
            ends = asyncio.run(end_offsets(settings.kafka, real))
            typer.echo(f"{real}\tkey {topic.key}\t{sum(ends.values())} records\t{ends}")


@app.command()
def ensure() -> None:
    """Create the topics that are missing."""
    settings = settings_for(Settings, "topics")
    created = asyncio.run(
        ensure_topics(
            settings.kafka,
            TOPICS,
            prefix=settings.topic_prefix,
            volatile=not settings.kafka_idempotent,
        )
    )
    typer.echo(f"created: {', '.join(created) or 'nothing, all were there'}")
