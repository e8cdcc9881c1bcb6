"""``uvicorn app.main:app``: every route, and with it the whole system.

What is not set is embedded; relay and workers run as child processes (``CST_WORKERS=0``: not).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.registry import APIS
from app.settings import AppSettings
from app.system import prepare, whole_system, with_stack
from cst_core.logging import configure_logging
from cst_core.settings import load_settings
from cst_http.app import create_app
from cst_process.core import Core, open_core
from cst_process.garbage import collect_less
from cst_process.heartbeat import beating
from cst_process.supervisor import Child, supervise
from cst_process.vitals import Vitals


@asynccontextmanager
async def open_system() -> AsyncIterator[Core]:
    """Open the core of a whole system, with its child processes unless they are switched off."""
    settings = load_settings(AppSettings)
    configure_logging("api", log_format=settings.log_format, level=settings.log_level)
    settings = await asyncio.to_thread(with_stack, settings)
    await prepare(settings)
    stop = asyncio.Event()
    children = [Child("workers", ["run", "everything"])] if settings.workers else []
    keeping = asyncio.create_task(supervise(children, settings.environ(), stop))
    try:
        async with open_core(settings, "api") as core, beating(core.db, Vitals("api")):
            collect_less()
            yield core
    finally:
        stop.set()
        await keeping


app = create_app("Citizen Services Tracker", list(APIS.values()), open_system, whole_system)
