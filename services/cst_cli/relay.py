"""``cst relay``."""

from __future__ import annotations

from typing import Any

import orjson
import typer

from cst_cli.context import with_database
from cst_core.clock import wall_now
from cst_core.settings import Settings
from cst_mongo.client import Database
from cst_mongo.leases import LEASES
from cst_relay.checkpoint import CHECKPOINTS

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
