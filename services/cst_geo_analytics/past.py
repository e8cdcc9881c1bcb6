"""KPIs as they stood: the current sums, less what has changed since.

A request counts by its last event that happened by then, whenever that was written: it is the past
as known today. An import is one event, which happened when its request was opened; its whole
history counts from there.

Only requests that were written since can differ, and there is an index of those; so the cost
follows what has changed since, not what is stored. Sums, rows and ledger are read at one instant (a
snapshot), so that what is taken out of the sums is exactly what is in them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pymongo.errors import OperationFailure

from cst_core.errors import Unavailable
from cst_geo_analytics.domain.projection import MOVING, Deltas, changed
from cst_geo_analytics.domain.queries import KpiQuery
from cst_geo_analytics.ledger_rows import LedgerRows
from cst_geo_analytics.repository import KPI_FIELDS, KPI_SUMS, GeoRepository
from cst_ledger.events import Document
from cst_mongo.client import Database, Session

#: How far the clocks of processes may be apart: ``updated_at`` is the last writer's.
SKEW = timedelta(minutes=2)
_SNAPSHOT_ERRORS = frozenset({239, 246})  # too old, unavailable


class PastKpis:
    """Reads KPI sums as they stood."""

    def __init__(self, db: Database, repository: GeoRepository) -> None:
        self._client = db.client
        self._repository = repository
        self._ledger = LedgerRows(db, MOVING)

    async def sums(
        self, query: KpiQuery, group: str | None, as_of: datetime, timezone: ZoneInfo
    ) -> list[Document]:
        """Return sums by (group, status) as ``GeoRepository.kpi_sums`` does.

        Raises:
            Unavailable: the collections were swapped meanwhile, or it took longer than the server
                keeps a snapshot (5 minutes).
        """
        try:
            async with self._client.start_session(snapshot=True) as session:
                current = await self._repository.kpi_sums(query.wanted(), group, session)
                since = await self._since(as_of, timezone, session)
        except OperationFailure as error:
            if error.code not in _SNAPSHOT_ERRORS:
                raise
            raise Unavailable(
                "the KPIs were just rebuilt, or it took too long; try again"
            ) from None
        return current + _grouped(since, query, group)

    async def _since(self, as_of: datetime, timezone: ZoneInfo, session: Session) -> Deltas:
        """Return what leads from the sums as they are back to those as they were."""
        back = Deltas(timezone)
        async for batch in self._repository.touched_since(as_of - SKEW, session):
            now = await self._repository.rows(list(batch.values()), session)
            then = await self._ledger.rows(list(batch), as_of=as_of, session=session)
            for request_id in batch.values():
                back.replace(now.get(request_id), then.get(request_id))
        return back


def _grouped(deltas: Deltas, query: KpiQuery, group: str | None) -> list[Document]:
    """The deltas that pass the query's filters, in the form of the repository's sums."""
    rows = []
    for key, sums in changed(deltas.kpis).items():
        fields = dict(zip(KPI_FIELDS, key, strict=True))
        if query.keeps(fields):
            of = {"key": fields[group] if group else None, "status": fields["status"]}
            rows.append(of | {name: sums.get(name, 0) for name in KPI_SUMS})
    return rows
