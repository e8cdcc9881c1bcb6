"""Shows a running simulation: a live panel on a terminal, a plain line every few seconds else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cst_contracts.enums import STATUSES
from cst_simulation.driver import Simulation

#: Wall seconds between two pictures, and between two plain lines.
FRAME_S, LINE_S = 0.5, 5.0
BAR = 30
STATUS_STYLES = dict(
    zip(STATUSES, ("red", "magenta", "yellow", "cyan", "green", "bright_black"), strict=True)
)


async def show(simulation: Simulation, console: Console, stop: asyncio.Event) -> None:
    """Show the counters until ``stop`` is set."""
    if not console.is_terminal:
        while not await _stopped(stop, LINE_S):
            console.print(line(simulation), soft_wrap=True, highlight=False)
        return
    with Live(frame(simulation), console=console, auto_refresh=False, transient=True) as live:
        while not await _stopped(stop, FRAME_S):
            live.update(frame(simulation), refresh=True)


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


def line(simulation: Simulation) -> str:
    """Return the counters in one line."""
    counters = simulation.counters
    citizens = {name: getattr(counters, name) for name in ("created", "replayed", "failed")}
    states = {status: counters.by_status.get(status, 0) for status in STATUSES}
    return (
        f"{_clock(simulation)}  sent {counters.sent}: {_listed(citizens)} | "
        f"{_listed(states)} | {_latency(simulation)}"
    )


def frame(simulation: Simulation) -> Panel:
    """Return the picture on a terminal."""
    counters = simulation.counters
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column()
    failed = f"[red]{counters.failed} failed[/]" if counters.failed else "0 failed"
    grid.add_row(
        "citizens",
        f"{counters.sent} sent   [green]{counters.created} created[/]   "
        f"{counters.replayed} replayed   {failed}",
    )
    grid.add_row("staff", _staff(simulation))
    grid.add_row("answers", _latency(simulation))
    for reason, count in counters.reasons.most_common(3):
        grid.add_row("", f"[yellow]{count} × {reason}[/]")
    title = f"{simulation.city.spec.title}  {_clock(simulation)}  ×{simulation.clock.rate:g}"
    return Panel(
        Group(grid, Text(), _status_bars(simulation)),
        title=title,
        subtitle="Ctrl-C ends it",
        expand=False,
        padding=(1, 2),
    )


def print_summary(simulation: Simulation, console: Console) -> None:
    """Print what the simulation did, for its end."""
    counters = simulation.counters
    citizens = {name: getattr(counters, name) for name in ("created", "replayed", "failed")}
    states = {status: counters.by_status.get(status, 0) for status in STATUSES}
    rows = [
        ("until", _clock(simulation)),
        ("citizens", f"{counters.sent} reports sent: {_listed(citizens)}"),
        ("staff", _staff(simulation)),
        ("answers", _latency(simulation)),
        ("requests", f"{sum(states.values())}: {_listed(states)}"),
        *(("", f"{count} × {reason}") for reason, count in counters.reasons.most_common()),
    ]
    for name, text in rows:
        console.print(f"[bold]{name:<10}[/]{text}", soft_wrap=True, highlight=False)


def _status_bars(simulation: Simulation) -> Table:
    counts = simulation.counters.by_status
    largest = max(counts.values(), default=0) or 1
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(width=BAR)
    for status, style in STATUS_STYLES.items():
        count = counts.get(status, 0)
        table.add_row(status, str(count), Text("█" * round(count / largest * BAR), style=style))
    return table


def _staff(simulation: Simulation) -> str:
    if simulation.plan.credentials is None:
        return "at home (--no-agents)"
    counters = simulation.counters
    names = ("triaged", "started", "resolved", "closed", "refused")
    return _listed({name: getattr(counters, name) for name in names})


def _clock(simulation: Simulation) -> str:
    local = simulation.clock.now().astimezone(ZoneInfo(simulation.city.spec.timezone))
    return f"{local:%a %d %b %Y %H:%M}"


def _latency(simulation: Simulation) -> str:
    median, high = (simulation.counters.percentile_ms(percent) for percent in (50, 95))
    if median is None or high is None:
        return "none yet"
    return f"p50 {median:.0f} ms, p95 {high:.0f} ms"


def _listed(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
