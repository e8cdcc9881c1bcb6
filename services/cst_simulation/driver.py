"""A simulated city at work on one CST system."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from cst_city import City
from cst_core.clock import Clock
from cst_simulation.api import Api, ApiError
from cst_simulation.citizens import Reporting
from cst_simulation.counters import Counters
from cst_simulation.credentials import Credentials
from cst_simulation.crews import Crews
from cst_simulation.reports import Citizens
from cst_simulation.staff import Staff

#: Wall seconds between questions for the KPIs.
KPIS_S = 2.0


@dataclass(frozen=True)
class Plan:
    """What to simulate: ``rate`` is reports per simulated hour at the week's peak.

    ``hours`` of simulated time, without end where None; ``credentials`` of the staff, who stay
    at home where None.
    """

    seed: int
    rate: float
    hours: float | None
    credentials: Credentials | None


class Simulation:
    """Citizens and staff of ``city``, living by ``clock``; ``counters`` change while it runs."""

    def __init__(self, url: str, city: City, clock: Clock, plan: Plan) -> None:
        self.url = url
        self.city = city
        self.clock = clock
        self.plan = plan
        self.counters = Counters()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop`` is set; it is set when the plan's hours are over, or on an error.

        Raises:
            ApiError: nothing answers at the URL, or it does not let the staff in.
        """
        api = Api(self.url)
        try:
            await self._read_kpis(api)
            staff = await self._staff(api)
            await self._live(api, staff, stop)
            await self._read_kpis(api)
        finally:
            stop.set()
            await api.close()

    async def _staff(self, api: Api) -> Staff | None:
        if self.plan.credentials is None:
            return None
        crews = Crews(self.city, self.plan.seed)
        staff = Staff(api, self.clock, self.counters, crews, self.plan.credentials)
        await staff.report_for_duty()
        return staff

    async def _live(self, api: Api, staff: Staff | None, stop: asyncio.Event) -> None:
        citizens = Citizens(self.city, self.plan.seed, self.plan.rate)
        # Laying out a large city takes a second, in which its clock runs on.
        await asyncio.to_thread(lambda: citizens.places)
        reports = citizens.reports(self.clock.now())
        async with asyncio.TaskGroup() as group:
            group.create_task(self._end_in_time(stop))
            group.create_task(self._watch_kpis(api, stop))
            group.create_task(Reporting(api, self.clock, self.counters).run(reports, stop))
            if staff is not None:
                group.create_task(staff.run(stop))

    async def _end_in_time(self, stop: asyncio.Event) -> None:
        if self.plan.hours is None:
            return
        with suppress(TimeoutError):
            length = self.clock.wall_seconds(timedelta(hours=self.plan.hours))
            await asyncio.wait_for(stop.wait(), length)
        stop.set()

    async def _watch_kpis(self, api: Api, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), KPIS_S)
            try:
                await self._read_kpis(api)
            except ApiError as error:
                self.counters.why(f"kpis: {error}")

    async def _read_kpis(self, api: Api) -> None:
        report = await api.get("/analytics/kpis")
        self.counters.by_status = report["totals"]["by_status"]
