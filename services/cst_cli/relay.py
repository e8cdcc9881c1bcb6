"""``cst relay``."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer

from cst_cli.context import with_database
from cst_core.clock import wall_now
from cst_core.errors import ConfigError
from cst_core.settings import Settings
from cst_mongo.client import Database
from cst_mongo.leases import LEASES
from cst_relay.checkpoint import CHECKPOINTS
from cst_relay.feeds import all_feeds
from cst_relay.orders import Orders

WAIT_POLL_S = 0.5

app = typer.Typer(help="The relay from change stream to Kafka.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The relay from change stream to Kafka."""


async def relay_rows(database: Database) -> list[dict[str, Any]]:
    """Return each feed's state: who leads, how far it has come, what it is rebuilding."""
    rows = []
    async for row in database[CHECKPOINTS.name].find():
        lease = await database[LEASES.name].find_one({"_id": f"relay:{row['_id']}"}) or {}
        led = lease.get("holder") is not None and lease["expires_at"] > wall_now()
        rows.append(
            {
                "feed": row["_id"],
                "leader": lease.get("holder") if led else None,
                "epoch": row["epoch"],
                "sent": row.get("sent", 0),
                "acked_through": row.get("acked_through"),
                "rebuild": row.get("rebuild"),
                "checkpoint_at": row.get("updated_at"),
            }
        )
    return rows


@app.command()
def status() -> None:
    """Print each feed's state as one JSON object a line."""

    async def work(database: Database, _: Settings) -> list[dict[str, Any]]:
        return await relay_rows(database)

    rows = with_database(work, process="relay-status")
    for row in rows:
        typer.echo(orjson.dumps(row).decode())
    if not rows:
        typer.echo("no relay has run yet", err=True)


@app.command()
def rebuild(
    feed: Annotated[str | None, typer.Option(help="default: the request events")] = None,
    since: Annotated[
        str | None, typer.Option(help="RFC 3339, when it was written; default: everything")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="until everything is read")] = False,
) -> None:
    """Let the relay send a topic again from the collection; consumers drop what they had."""
    start = None if since is None else _instant(since)

    async def work(database: Database, settings: Settings) -> dict[str, Any] | None:
        known = [known.name for known in all_feeds(settings.city)]
        name = feed or known[0]
        if name not in known:
            raise ConfigError(f"--feed {name}: not a feed; allowed: {', '.join(known)}")
        await Orders(database, name).ask(start)
        if wait:
            await _carried_out(database, name)
        rows = await relay_rows(database)
        return next((row for row in rows if row["feed"] == name), None)

    row = with_database(work, process="relay-rebuild")
    if wait:
        typer.echo("rebuilt: everything was read and is sent")
    elif row is not None and row["leader"] is not None:
        typer.echo("asked for; `cst relay status` shows how it goes")
    else:
        typer.echo("asked for; no relay leads this feed now, it begins when one does")


async def _carried_out(database: Database, feed: str) -> None:
    orders, checkpoints = Orders(database, feed), database[CHECKPOINTS.name]
    while True:
        # The order goes once the checkpoint says that the rebuild runs.
        if await orders.pending() is None:
            row = await checkpoints.find_one({"_id": feed}) or {}
            if row.get("rebuild") is None:
                return
        await asyncio.sleep(WAIT_POLL_S)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant > wall_now():
        raise ConfigError(
            f"--since {text}: must be a past instant with its offset, e.g. 2026-03-02T15:00:00Z"
        )
    return instant
