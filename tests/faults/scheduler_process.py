"""A scheduler of SLA's steps as a process of its own, to be killed: ``python … URI DATABASE``."""

from __future__ import annotations

import asyncio
import sys

from cst_core.settings import Settings, load_settings
from cst_process.core import open_core
from cst_sla.service import SlaService


async def _main(mongo_uri: str, mongo_db: str) -> None:
    settings = load_settings(Settings, _env_file=None, mongo_uri=mongo_uri, mongo_db=mongo_db)
    async with open_core(settings, "scheduler") as core:
        print("ready", flush=True)
        await SlaService(core).run_clocks(asyncio.Event())


asyncio.run(_main(*sys.argv[1:]))
