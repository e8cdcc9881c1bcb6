"""``cst simulate``: a living city on a running system."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from app.settings import AppSettings
from app.system import city_folder
from cst_city import City, CityError, load_city
from cst_cli.context import run_interruptible
from cst_cli.system import System
from cst_core.clock import MAX_RATE, Clock, parse_clock, wall_now
from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings
from cst_mongo.client import open_database
from cst_mongo.clocks import shared_clock
from cst_process.worker import stop_on_signals
from cst_simulation.credentials import Credentials
from cst_simulation.display import print_summary, show
from cst_simulation.driver import Plan, Simulation
from cst_stack import Home
from cst_stack import status as stack_status

SEED, SPEED, HOURS, RATE = 311, 600.0, 24.0, 60.0
MAX_HOURS, MAX_REPORTS = 24.0 * 366, 1_000_000.0
DEFAULT_API = "http://127.0.0.1:8000"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def simulate(
        seed: Annotated[int, typer.Option(help="the same one reports the same")] = SEED,
        speed: Annotated[
            float | None,
            typer.Option(
                help=f"simulated seconds a second; {SPEED:g}, or what the system's clock runs at"
            ),
        ] = None,
        duration: Annotated[float, typer.Option(help="simulated hours")] = HOURS,
        rate: Annotated[float, typer.Option(help="reports an hour, at the week's peak")] = RATE,
        api: Annotated[
            str | None, typer.Option(help=f"its URL; what `cst up` runs, or {DEFAULT_API}")
        ] = None,
        token: Annotated[
            str | None, typer.Option(help="a supervisor's, where cst does not make the tokens")
        ] = None,
        agents: Annotated[bool, typer.Option(help="somebody does the work")] = True,
    ) -> None:
        """Let citizens report and agents work, until the hours are over or Ctrl-C."""
        check_options(speed=SPEED if speed is None else speed, duration=duration, rate=rate)
        settings, url = _system() if api is None else (load_settings(AppSettings), api)
        credentials = Credentials.of(settings, token) if agents else None
        plan = Plan(seed, rate, duration, credentials)
        city, clock = read_city(settings), run_interruptible(lambda: _clock_of(settings, speed))
        run_interruptible(lambda: run_simulation(Simulation(url, city, clock, plan), Console()))


def check_options(**values: float) -> None:
    """Check the options both commands have.

    Raises:
        ConfigError: names the option, its value and what is allowed.
    """
    limits = {"speed": MAX_RATE, "duration": MAX_HOURS, "rate": MAX_REPORTS}
    for name, value in values.items():
        if not 0 < value <= limits[name]:
            raise ConfigError(f"--{name} {value:g}: must be above 0, at most {limits[name]:g}")


def read_city(settings: Settings) -> City:
    """Return the city of the settings, from its folder.

    Raises:
        ConfigError: the folder has mistakes.
    """
    try:
        return load_city(city_folder(settings))
    except CityError as error:
        raise ConfigError(str(error)) from None


async def run_simulation(simulation: Simulation, console: Console) -> None:
    """Run and show a simulation until it ends or is interrupted; then print its summary."""
    stop = stop_on_signals()
    showing = asyncio.create_task(show(simulation, console, stop))
    try:
        await simulation.run(stop)
    finally:
        stop.set()
        await showing
    print_summary(simulation, console)


def _system() -> tuple[AppSettings, str]:
    """The settings and URL of the running system, which may differ from this command's own."""
    settings = load_settings(AppSettings)
    system = System(settings)
    return system.settings(), system.url() or DEFAULT_API


async def _clock_of(settings: Settings, speed: float | None) -> Clock:
    """The system's simulated clock, or one that starts now and runs at ``speed``."""
    start, rate = parse_clock(settings.clock)
    if start is None:
        now = wall_now()
        return Clock(start=now, rate=SPEED if speed is None else speed, anchor=now)
    if rate == 0:
        raise ConfigError(f"CST_CLOCK={settings.clock}: time stands still, nothing would happen")
    if speed not in (None, rate):
        raise ConfigError(f"--speed {speed:g}: the system's clock (CST_CLOCK) runs at {rate:g}")
    endpoints = stack_status(Home(settings.home)).endpoints
    uri = settings.mongo_uri or (endpoints.mongo_uri if endpoints else "")
    if not uri:
        raise ConfigError("CST_CLOCK is set, but its system does not run here: set MONGO_URI")
    async with open_database(uri, settings.mongo_db, app="simulate") as database:
        return await shared_clock(database, settings.clock)
