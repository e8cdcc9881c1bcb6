"""Geo-analytics' subscription: every event that moves a request on the map or in the KPIs."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from cst_city.catalog import CatalogCache
from cst_contracts.events import RequestEvent
from cst_geo.cells import center
from cst_geo_analytics.domain.projection import Deltas, Row, changed, row_of
from cst_geo_analytics.repository import GeoRepository
from cst_mongo.client import Session


class ProjectionHandler:
    """Moves rows and sums."""

    name = "geo.projections"
    types = frozenset(
        {"created", "imported", "triaged", "assigned", "in_progress", "resolved", "closed"}
    )

    def __init__(self, repository: GeoRepository, catalog: CatalogCache) -> None:
        self._repository = repository
        self._catalog = catalog

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        timezone = ZoneInfo((await self._catalog.get()).city.timezone)
        rows: dict[str, Row] = await self._repository.rows(
            sorted({event.subject for event in events}), session
        )
        deltas, written = Deltas(timezone), dict[str, Row]()
        for event in events:
            row = row_of(event.facts, event.seq)
            deltas.replace(rows.get(event.subject), row)
            rows[event.subject] = written[event.subject] = row
        cells = changed(deltas.cells)
        centers = {key[0]: center(key[0]) for key in cells}
        await self._repository.save_rows(written, session)
        await self._repository.move_cells(cells, centers, session)
        await self._repository.move_kpis(changed(deltas.kpis), session)
