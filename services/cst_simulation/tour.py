"""Prints what the demo has to show: one request's story, and where to look."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from cst_core.clock import Clock
from cst_simulation.story import TEXT, Story

Meta = dict[str, Any]


def print_story(console: Console, story: Story, clock: Clock, timezone: ZoneInfo) -> None:
    """Print a request's way from its POST to an agent, in the city's time and in seconds."""
    request_id, zone = story.created["request_id"], story.created["zone_id"]
    console.print(f'\n[bold]What just happened[/]  POST /requests/ "{TEXT}"')
    table = Table.grid(padding=(0, 2))
    start = _at(story.events[0])
    for event in story.events:
        at = _at(event)
        table.add_row(
            f"  {at.astimezone(timezone):%a %H:%M:%S}",
            f"[dim]+{clock.wall_seconds(at - start):.2f} s[/]",
            f"[cyan]{event['type']}[/]",
            _told(event, request_id, zone),
        )
    console.print(table)
    if not story.assigned:
        console.print("  [yellow]nobody has it yet[/]")


def print_urls(console: Console, url: str, story: Story, *, token: str, audit: str) -> None:
    """Print what to open, and what to try in another terminal; whole lines, to be copied."""
    request = f"{url}/requests/{story.created['request_id']}"
    rows = {
        "Map": f"{url}/map",
        "API": f"{url}/docs",
        "Heatmap": f"{url}/analytics/geofeeds/heatmap?resolution=8",
        "KPIs": f"{url}/analytics/kpis",
        "Its reporter sees": story.created["follow_url"],
        "Staff see": f"curl -H 'Authorization: Bearer {token}' {request}/events",
        "The proof": audit,
    }
    console.print("\n[bold]Look around[/]")
    for name, text in rows.items():
        console.print(f"  [cyan]{name:<18}[/]{text}", soft_wrap=True, highlight=False)
    console.print()


def _told(event: dict[str, Any], request_id: str, zone: str) -> str:
    kind, meta = event["type"], event["meta"]
    if kind == "created":
        priority = event["facts"]["priority"]
        return f"{request_id} in zone {zone}: {priority}, {meta['priority_reason']}"
    if kind == "triaged":
        return f"by rule {meta['rule']}" if "rule" in meta else ""
    if kind == "duplicate_linked":
        return f"the same matter as {meta['other_request_id']}"
    if kind == "agent_reserved":
        return f"one unit of {meta['agent_code']}'s capacity"
    if kind == "assigned":
        return _choice(meta)
    return ""


def _choice(meta: Meta) -> str:
    if "candidates" not in meta:
        return f"{meta['agent_code']}, {meta['assignment_policy']}"
    excluded = ", ".join(f"{count} for {reason}" for reason, count in meta["excluded"].items())
    left_out = f"; left out: {excluded}" if excluded else ""
    return f"{meta['agent_code']}, best of {len(meta['candidates'])} who fit{left_out}"


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["recorded_at"])
