"""``cst run``: one process of CST, in the foreground."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

import structlog
import typer
import uvicorn
from pydantic import Field

from app.registry import APIS, WORKERS
from app.settings import AppSettings
from app.system import prepare, whole_system
from cst_cli.context import settings_for
from cst_cli.system import run_system
from cst_core.errors import ConfigError
from cst_core.settings import Settings, load_settings
from cst_http.app import ServiceApi, create_app
from cst_process.core import Core, open_core
from cst_process.garbage import collect_less
from cst_process.heartbeat import beating
from cst_process.ops import ops_app, serving
from cst_process.status import bounds_of
from cst_process.supervisor import watch_parent
from cst_process.vitals import Vitals
from cst_process.worker import run_work, stop_on_signals
from cst_relay.main import Relays
from cst_relay.settings import RelaySettings
from cst_stack import Home

log = structlog.get_logger(__name__)

#: Processes by name: those of one service; `api` and `everything` run several in one process,
#: `system` supervises all of them as processes of their own.
API_PROCESSES = {f"{name.split('_')[0]}-api": [name] for name in APIS} | {"api": list(APIS)}
WORKER_PROCESSES = {f"{name}-worker": [name] for name in WORKERS}
PROCESSES = (*API_PROCESSES, *WORKER_PROCESSES, "relay", "everything", "system")


class ProcessSettings(RelaySettings):
    """Settings of a process of workers, a relay, or both."""

    #: Port of /healthz, /readyz and /metrics; 0 serves none.
    ops_port: int = Field(default=0, alias="CST_OPS_PORT", ge=0, le=65535)
    ops_host: str = Field(default="127.0.0.1", alias="CST_OPS_HOST")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def run(
        process: Annotated[str, typer.Argument(help=f"one of: {', '.join(PROCESSES)}")],
        host: Annotated[str, typer.Option(help="of an API")] = "127.0.0.1",
        port: Annotated[int, typer.Option(min=0, max=65535, help="of an API")] = 8000,
    ) -> None:
        """Run one process until it is stopped (SIGTERM or Ctrl-C)."""
        if process in API_PROCESSES:
            _serve(process, [APIS[name] for name in API_PROCESSES[process]], host, port)
        elif process in WORKER_PROCESSES:
            asyncio.run(_work(process, WORKER_PROCESSES[process], with_relay=False))
        elif process == "relay":
            asyncio.run(_work(process, [], with_relay=True))
        elif process == "everything":
            asyncio.run(_work(process, list(WORKERS), with_relay=True))
        elif process == "system":
            asyncio.run(_system(port))
        else:
            allowed = ", ".join(PROCESSES)
            raise ConfigError(f"{process!r} is not a process; allowed: {allowed}")


def _serve(process: str, apis: Sequence[ServiceApi], host: str, port: int) -> None:
    settings = settings_for(Settings, process)
    if "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": f"http://localhost:{port}"})

    @asynccontextmanager
    async def opened() -> AsyncIterator[Core]:
        await prepare(settings)
        watching = asyncio.create_task(_end_with_parent())
        async with open_core(settings, process) as core, beating(core.db, Vitals(process)):
            collect_less()
            yield core
        watching.cancel()

    app = create_app(f"CST {process}", apis, opened, whole_system)
    uvicorn.run(app, host=host, port=port, log_config=None, access_log=False)


async def _end_with_parent() -> None:
    await watch_parent(asyncio.Event())
    signal.raise_signal(signal.SIGTERM)


async def _work(process: str, names: Sequence[str], *, with_relay: bool) -> None:
    """Run workers and relay in one event loop; the first that fails ends them all."""
    settings = settings_for(ProcessSettings, process)
    await prepare(settings)
    stop = stop_on_signals()
    relays = Relays(settings) if with_relay else None
    vitals = _vitals(process, names, relays)
    try:
        async with (
            open_core(settings, process) as core,
            beating(core.db, vitals),
            _ops(core, vitals, settings),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(watch_parent(stop))
            if names:
                work = [WORKERS[name].build(core) for name in names]
                group.create_task(run_work(core, work, stop, vitals))
            if relays is not None:
                group.create_task(relays.run(stop))
            collect_less()
            log.info("running", names=list(names), relay=with_relay)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _vitals(process: str, names: Sequence[str], relays: Relays | None) -> Vitals:
    if relays is None:
        return Vitals(process, names)
    return Vitals(
        process,
        names,
        relays=relays.reports,
        relay_broker_lost_at=lambda: relays.broker.unreachable_since,
    )


def _ops(
    core: Core, vitals: Vitals, settings: ProcessSettings
) -> AbstractAsyncContextManager[None]:
    app = ops_app(core.db, vitals, bounds_of(settings))
    return serving(app, settings.ops_host, settings.ops_port, setting="CST_OPS_PORT")


async def _system(port: int) -> None:
    """Every process of its own, kept alive by this one."""
    settings = settings_for(AppSettings, "system")
    if load_settings(ProcessSettings).ops_port:
        raise ConfigError(
            "CST_OPS_PORT is of one process, and a system has several: not for this command"
        )
    await prepare(settings)
    stop = stop_on_signals()
    await run_system(Home(settings.home), port, settings.environ(), stop)
