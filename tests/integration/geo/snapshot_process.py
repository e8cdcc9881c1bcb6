"""The schedule of named feeds as a process of its own, to be killed.

Arguments: MongoDB URI, database, clock.
"""

from __future__ import annotations

import asyncio
import sys

from cst_core.settings import Settings, load_settings
from cst_geo_analytics.heatmap.service import Heatmaps
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.stores import BUILT
from cst_geo_analytics.snapshots.maker import SnapshotMaker
from cst_geo_analytics.snapshots.schedule import SnapshotSchedule
from cst_geo_analytics.snapshots.service import Snapshots
from cst_mongo.leases import Leases
from cst_process.core import open_core


async def main(uri: str, name: str, clock: str) -> None:
    settings = load_settings(Settings, _env_file=None, mongo_uri=uri, mongo_db=name, clock=clock)
    async with open_core(settings, "snapshots") as core:
        gate = Gate(core.db, "geo", [spec.name for spec in BUILT], Leases(core.db))
        schedule = SnapshotSchedule(core, Snapshots(core, SnapshotMaker(Heatmaps(core, gate))))
        print("running", flush=True)
        while True:
            await schedule.take_next()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
