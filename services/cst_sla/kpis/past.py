"""Facts as they stood: the current ones, less what has changed since.

A request counts as the fold of what had happened by then, whenever that was written: it is the past
as known today. An import is one event, which happened when its request was opened or closed; its
whole history counts from there.

Only requests that were written since can differ, and there is an index of those; so the cost
follows what has changed since, not what is stored. Facts, requests and ledger are read at one
instant (a snapshot), so that what is taken out of the batches is exactly what is in them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

from bson import ObjectId
from pymongo.errors import OperationFailure

from cst_city.catalog import Catalog
from cst_core.errors import Unavailable
from cst_ledger.fold import fold
from cst_mongo.client import Database, Session
from cst_sla.domain.facts import Row, fact_of
from cst_sla.domain.kpi_query import KpiQuery
from cst_sla.domain.kpi_report import Batch, batch_of
from cst_sla.kpis.repository import FactsRepository

#: How far the clocks of processes may be apart: ``updated_at`` is the last writer's.
SKEW = timedelta(minutes=2)
_SNAPSHOT_ERRORS = frozenset({239, 246})  # too old, unavailable


class PastFacts:
    """Reads facts as they stood."""

    def __init__(self, db: Database, repository: FactsRepository) -> None:
        self._client = db.client
        self._repository = repository

    async def batches(self, query: KpiQuery, as_of: datetime, catalog: Catalog) -> list[Batch]:
        """Return batches as ``FactsRepository.batches`` does.

        Raises:
            Unavailable: it took longer than the server keeps a snapshot (5 minutes).
        """
        try:
            async with self._client.start_session(snapshot=True) as session:
                current = await self._repository.batches(query, session)
                since = [b async for b in self._since(query, as_of, catalog, session)]
        except OperationFailure as error:
            if error.code not in _SNAPSHOT_ERRORS:
                raise
            raise Unavailable("reading the past took too long; try again") from None
        return current + since

    async def _since(
        self, query: KpiQuery, as_of: datetime, catalog: Catalog, session: Session
    ) -> AsyncIterator[Batch]:
        """Yield what leads from the facts as they are back to those as they were."""
        async for touched in self._repository.touched_since(as_of - SKEW, session):
            now = await self._repository.rows(list(touched.values()), session)
            then = await self._then(touched, as_of, catalog, session)
            for rows, n in ((now, -1), (then, +1)):
                for row in rows.values():
                    if query.keeps(row):
                        yield batch_of(row, query.group_field, n)

    async def _then(
        self, oids: Mapping[ObjectId, str], as_of: datetime, catalog: Catalog, session: Session
    ) -> dict[ObjectId, Row]:
        """Rows of requests as they stood; one that did not exist yet has none."""
        rows: dict[ObjectId, Row] = {}
        async for oid, events in self._repository.events(list(oids), session):
            document = fold(events, as_of=as_of)
            if document is not None:
                rows[oid] = fact_of(document, catalog)
        return rows
