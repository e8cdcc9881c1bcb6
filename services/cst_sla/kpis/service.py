"""Reports over facts."""

from __future__ import annotations

import asyncio
import time

from cst_city.catalog import Catalog
from cst_contracts.analytics import KpiReport
from cst_core.clock import past_instant
from cst_core.errors import InvalidInput
from cst_process.core import Core
from cst_roster import Roster
from cst_sla.domain.kpi_query import UNASSIGNED, KpiQuery
from cst_sla.domain.kpi_report import report_of
from cst_sla.kpis.past import PastFacts
from cst_sla.kpis.repository import FactsRepository

#: How long the public's totals are served before they are made again, in wall seconds …
FRESH_S = 2.0
#: … and in times of what they took to make: so much of the database the public can't exceed.
FRESH_TIMES = 10


class KpiService:
    """Answers from facts; the cost follows the rows that are asked for."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._repository = FactsRepository(core.db)
        self._past = PastFacts(core.db, self._repository)
        self._roster = Roster(core.db)
        self._totals: KpiReport | None = None
        self._fresh_until = 0.0
        # Who comes while totals are being made waits for them.
        self._making = asyncio.Lock()

    async def totals(self) -> KpiReport:
        """Return current totals, which may be some seconds old."""
        async with self._making:
            if self._totals is None or time.monotonic() > self._fresh_until:
                began = time.monotonic()
                self._totals = await self.report(KpiQuery())
                ended = time.monotonic()
                self._fresh_until = ended + max(FRESH_S, FRESH_TIMES * (ended - began))
            return self._totals

    async def report(self, query: KpiQuery) -> KpiReport:
        """Return totals, and rows by group where one is asked for.

        Raises:
            InvalidInput: something that the city does not have, days that are none or the wrong
                way round, or an ``as_of`` that is no instant of the past.
            Unavailable: the past can't be read just now.
        """
        now, catalog = self._core.clock.now(), await self._core.catalog.get()
        query.check(catalog)
        as_of = None if query.as_of is None else past_instant("as_of", query.as_of, now)
        await self._check_departments(query, catalog)
        await self._check_agents(query)
        if as_of is None:
            batches = await self._repository.batches(query)
        else:
            batches = await self._past.batches(query, as_of, catalog)
        return report_of(batches, query, now=now, as_of=as_of)

    async def _check_departments(self, query: KpiQuery, catalog: Catalog) -> None:
        known = list(catalog.city.departments)
        for code in query.department:
            if code not in known and not await self._repository.has_department(code):
                message = "is not a department of this city"
                raise InvalidInput.field("department", message, code, known)

    async def _check_agents(self, query: KpiQuery) -> None:
        for agent_id in query.agents:
            if await self._roster.find(agent_id) is None:
                allowed = ["the ids of GET /agents", UNASSIGNED]
                raise InvalidInput.field("agent_id", "is no agent", str(agent_id), allowed)
