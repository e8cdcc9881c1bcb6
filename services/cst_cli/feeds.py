"""``cst feeds``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import orjson
import typer

from cst_cli.context import with_core
from cst_geo_analytics.main import feed_parts
from cst_process.core import Core

app = typer.Typer(help="Named map feeds and their snapshots.", no_args_is_help=True)

#: Feeds read at a time.
BATCH = 100
_Json = Annotated[bool, typer.Option("--json", help="JSON, an object a line")]
_Name = Annotated[str, typer.Argument(help="of the feed")]


@app.callback()
def _group() -> None:
    """Named map feeds and their snapshots."""


@app.command("list")
def list_feeds(as_json: _Json = False) -> None:
    """Show each feed, its newest snapshot, when the next is due, and why one failed."""

    async def work(core: Core) -> list[dict[str, Any]]:
        named, found, after = feed_parts(core).named, list[dict[str, Any]](), None
        while True:
            page, after = await named.page(after, BATCH, staff=True)
            found += page
            if after is None:
                return found

    feeds = with_core(work, process="feeds")
    if not as_json:
        typer.echo(f"{'feed':<32}{'audience':<10}{'latest':>8}  {'made at':<22}next at")
    for feed in feeds:
        typer.echo(_json(feed, _FEED) if as_json else _feed_line(feed))


@app.command()
def take(name: _Name, as_json: _Json = False) -> None:
    """Make a snapshot now, whatever the feed's schedule."""

    async def work(core: Core) -> dict[str, Any]:
        return await feed_parts(core).snapshots.take(name)

    snapshot = with_core(work, process="feeds")
    if as_json:
        typer.echo(_json(snapshot, _SNAPSHOT))
        return
    hexagons = len(snapshot["geojson"]["features"])
    typer.echo(f"{snapshot['feed_name']}: {hexagons} hexagons at {_time(snapshot['generated_at'])}")


@app.command()
def diff(
    name: _Name,
    before: Annotated[
        str | None, typer.Option("--from", help="number or instant; default: the one before")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--to", help="number or instant; default: the newest")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say what has changed between two snapshots, the greatest changes first."""

    async def work(core: Core) -> dict[str, Any]:
        return await feed_parts(core).snapshots.diff(name, before, after, staff=True)

    found = with_core(work, process="feeds")
    cells = sorted(
        (feature["properties"] for feature in found["features"]),
        key=lambda cell: (-abs(cell["weight_change"]), cell["cell"]),
    )
    if as_json:
        for cell in cells:
            typer.echo(orjson.dumps(cell).decode())
        return
    typer.echo(_totals(found))
    for cell in cells:
        figures = f"{cell['weight_before']:>12g}{cell['weight_after']:>12g}"
        typer.echo(f"{cell['cell']:<18}{cell['change']:<6}{figures}{cell['weight_change']:>+12g}")


_FEED = (
    *("name", "title", "audience", "query", "every_hours", "starts_at", "next_at", "keep"),
    *("version", "latest", "failure", "updated_at", "updated_by"),
)
_SNAPSHOT = ("feed", "number", "generated_at", "due_at", "audience", "filters", "etag")


def _json(document: dict[str, Any], fields: tuple[str, ...]) -> str:
    shown = {name: document[name] for name in fields}
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z).decode()


def _feed_line(feed: dict[str, Any]) -> str:
    latest = feed["latest"] or {"number": "-", "generated_at": None}
    line = (
        f"{feed['name']:<32}{feed['audience']:<10}{latest['number']:>8}  "
        f"{_time(latest['generated_at']):<22}{_time(feed['next_at'])}"
    )
    return line if feed["failure"] is None else f"{line}  failed: {feed['failure']['detail']}"


def _totals(found: dict[str, Any]) -> str:
    totals, before, after = found["totals"], found["before"], found["after"]
    kinds = ", ".join(f"{totals[kind]} {kind}" for kind in ("rose", "fell", "came", "went"))
    return (
        f"{before['feed_name']} ({_time(before['generated_at'])}) to "
        f"{after['feed_name']} ({_time(after['generated_at'])}): {kinds}, "
        f"{totals['unchanged']} unchanged; count {totals['count_before']} to "
        f"{totals['count_after']}, weight {totals['weight_before']:g} to {totals['weight_after']:g}"
    )


def _time(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
