"""``cst demo``: the whole system and a simulated city in one command, gone when it ends."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from app.settings import AppSettings
from app.system import prepare, with_stack
from cst_city import City
from cst_cli.context import run_interruptible, signals_handled
from cst_cli.simulate import RATE, SEED, SPEED, check_options, read_city, run_simulation
from cst_cli.system import System
from cst_core.clock import wall_now
from cst_core.errors import ConfigError
from cst_core.logging import configure_logging
from cst_core.settings import load_settings
from cst_http.tokens import Tokens
from cst_ledger.ledger import REQUESTS
from cst_mongo.client import open_database
from cst_mongo.clocks import shared_clock
from cst_simulation.credentials import Credentials
from cst_simulation.driver import Plan, Simulation
from cst_simulation.story import CATEGORY, free_place, tell_story
from cst_simulation.tour import print_story, print_urls
from cst_stack import Home
from cst_stack import down as stop_stack
from cst_stack import status as stack_status
from cst_stack.ports import free_port, require_free

CITY = "new-york"
#: The demo's time is not the world's, so its data and topics are not the others' either.
DATABASE, TOPIC_PREFIX = "cst_demo", "demo."
#: Every demo begins on a Monday when the early shift has started and the others follow.
OPENING = clock_time(7, 0)
#: Far enough from each other to be two matters.
FIRST_PLACE, STORY_PLACE = (-73.98, 40.75), (-74.0, 40.71)
TOKEN_TTL = timedelta(hours=12)


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def demo(
        port: Annotated[int, typer.Option(min=0, max=65535, help="of the API; 0: any")] = 8000,
        seed: Annotated[int, typer.Option(help="the same one reports the same")] = SEED,
        speed: Annotated[float, typer.Option(help="simulated seconds a second")] = SPEED,
        rate: Annotated[float, typer.Option(help="reports an hour, at the week's peak")] = RATE,
        seconds: Annotated[
            float | None, typer.Option("--for", min=1, help="end by itself after so many seconds")
        ] = None,
    ) -> None:
        """Start everything, let New York live on it until Ctrl-C, and end it all; data stays."""
        check_options(speed=speed, rate=rate)
        console, settings = Console(), _demo_settings()
        _refuse_a_second(settings)
        port = port or free_port()
        require_free(port, "the API", "--port")
        hours = None if seconds is None else seconds * speed / 3600
        try:
            # SIGTERM and SIGHUP end the demo as Ctrl-C does: with everything stopped.
            with signals_handled(signal.default_int_handler, signal.SIGTERM, signal.SIGHUP):
                _run(console, settings, port, speed, Plan(seed, rate, hours, None))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _demo_settings() -> AppSettings:
    settings = load_settings(AppSettings)
    if settings.auth_issuer is not None:
        raise ConfigError("CST_AUTH_ISSUER is set: the demo signs its own tokens, so unset it")
    own = {"mongo_db": DATABASE, "topic_prefix": TOPIC_PREFIX}
    update = {name: value for name, value in own.items() if name not in settings.model_fields_set}
    return settings.model_copy(update={**update, "city": CITY})


def _refuse_a_second(settings: AppSettings) -> None:
    if url := System(settings).url():
        raise ConfigError(
            f"a system runs already at {url}: end it first (`cst down`), "
            "or let a city live on it with `cst simulate`"
        )


def _run(console: Console, settings: AppSettings, port: int, speed: float, plan: Plan) -> None:
    configure_logging("demo", level="warning")
    city = read_city(settings)
    with _stack(console, settings) as staged:
        settings = run_interruptible(lambda: _set_the_stage(console, staged, city, speed))
        with _system(console, settings, port) as url:
            run_interruptible(lambda: _live(console, settings, url, city, plan))


def _undisturbed() -> AbstractContextManager[None]:
    """Let no second Ctrl-C leave half of the processes running."""
    return signals_handled(signal.SIG_IGN)


@contextmanager
def _stack(console: Console, settings: AppSettings) -> Iterator[AppSettings]:
    """Start what of the stack does not run; stop it at the end unless it ran before."""
    home = Home(settings.home)
    ran = any(part.running for part in stack_status(home).parts)
    with console.status("starting MongoDB and the broker"):
        settings = with_stack(settings)
    try:
        console.print(f"[green]✓[/] MongoDB  {settings.mongo_uri}  database {settings.mongo_db}")
        console.print(f"[green]✓[/] Kafka    {settings.kafka}  topics {settings.topic_prefix}*")
        yield settings
    finally:
        if ran:
            console.print("The demo has ended; MongoDB and the broker go on, as before it.")
        else:
            with _undisturbed(), console.status("stopping MongoDB and the broker"):
                stop_stack(home)
            console.print("Everything has ended; the data stays.")


async def _set_the_stage(
    console: Console, settings: AppSettings, city: City, speed: float
) -> AppSettings:
    """Make the database ready, and return settings with the demo's clock."""
    with console.status("creating collections and indexes"):
        opening = await _opening(settings, city)
        # Time stands still until the processes start.
        await prepare(settings.model_copy(update={"clock": f"{opening.isoformat()}@0"}))
    people = sum(agent.kind == "person" for agent in city.agents)
    console.print(
        f"[green]✓[/] City     {city.spec.title}: {len(city.categories)} categories, "
        f"{len(city.zones)} zones, {people} agents"
    )
    return settings.model_copy(update={"clock": f"{opening.isoformat()}@{speed:g}"})


async def _opening(settings: AppSettings, city: City) -> datetime:
    """The Monday morning after all that is in the database, so that time never runs backwards."""
    async with open_database(settings.mongo_uri, settings.mongo_db, app="demo") as db:
        row = await db[REQUESTS.name].find_one({}, sort=[("timestamps.updated_at", -1)])
    last = row["timestamps"]["updated_at"] if row else wall_now() - timedelta(days=7)
    local = last.astimezone(ZoneInfo(city.spec.timezone))
    monday = local.date() + timedelta(days=7 - local.weekday())
    return datetime.combine(monday, OPENING, local.tzinfo)


@contextmanager
def _system(console: Console, settings: AppSettings, port: int) -> Iterator[str]:
    """Run every process of the system for the length of the block."""
    system = System(settings)
    try:
        with console.status("starting the API, the relay and the workers"):
            url = system.start(port)
        names = ", ".join(str(process["name"]) for process in system.processes())
        console.print(f"[green]✓[/] System   {names}")
        yield url
    finally:
        with _undisturbed(), console.status("stopping the processes"):
            system.stop()


async def _live(console: Console, settings: AppSettings, url: str, city: City, plan: Plan) -> None:
    """Follow one request through the system, say where to look, and let the city live."""
    credentials = Credentials.of(settings, None)
    with console.status("waiting until a first report has gone through all of them"):
        first = await free_place(url, credentials, CATEGORY, FIRST_PLACE)
        await tell_story(url, credentials, CATEGORY, first)
    async with open_database(settings.mongo_uri, settings.mongo_db, app="demo") as db:
        clock = await shared_clock(db, settings.clock)
    place = await free_place(url, credentials, CATEGORY, STORY_PLACE)
    story = await tell_story(url, credentials, CATEGORY, place)
    print_story(console, story, clock, ZoneInfo(city.spec.timezone))
    token = Tokens(settings).issue("demo", ["supervisor"], ttl=TOKEN_TTL)
    audit = f"MONGO_DB={settings.mongo_db} {_command()} audit verify"
    print_urls(console, url, story, token=token, audit=audit)
    await run_simulation(
        Simulation(url, city, clock, replace(plan, credentials=credentials)), console
    )


def _command() -> str:
    """How this command is called here: `make demo` does not put it on the path."""
    return "cst" if shutil.which("cst") else str(Path(sys.executable).with_name("cst"))
