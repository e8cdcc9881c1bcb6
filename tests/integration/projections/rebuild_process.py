"""Rebuilds as a process of its own, one after another, to be killed.

Arguments: MongoDB URI, database, seconds of the lease.
"""

from __future__ import annotations

import asyncio
import sys

from cst_core.settings import Settings, load_settings
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.rebuild import GeoProjection
from cst_geo_analytics.projections.stores import BUILT
from cst_mongo.leases import Leases
from cst_process.core import open_core


async def main(uri: str, name: str, ttl_s: str) -> None:
    settings = load_settings(Settings, _env_file=None, mongo_uri=uri, mongo_db=name)
    async with open_core(settings, "rebuild") as core:
        leases = Leases(core.db, ttl_s=float(ttl_s))
        gate = Gate(core.db, "geo", [spec.name for spec in BUILT], leases)
        await core.catalog.get()  # which keeps the processor busy for longer than a short lease
        while True:
            await GeoProjection(core, gate, leases).rebuild()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
