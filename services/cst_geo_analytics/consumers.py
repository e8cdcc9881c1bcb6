"""Geo-analytics' subscription: every event that moves a request on the map."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from cst_city.catalog import CatalogCache
from cst_contracts.events import RequestEvent
from cst_geo_analytics.domain.projection import MOVING, row_of
from cst_geo_analytics.projections.gate import Gate
from cst_geo_analytics.projections.marks import RowMarks
from cst_geo_analytics.projections.stores import ProjectionStore
from cst_geo_analytics.projections.take_in import take_in
from cst_mongo.client import Session


def place_of(event: RequestEvent) -> str:
    """Where an event moves sums: the names of H3 cells begin with those of coarser ones."""
    return event.facts.h3 or ""


class ProjectionHandler:
    """Moves rows and sums, unless a rebuild is just swapping them."""

    name = "geo.projections"
    types = MOVING

    def __init__(
        self, store: ProjectionStore, gate: Gate, marks: RowMarks, catalog: CatalogCache
    ) -> None:
        self._store = store
        self._gate = gate
        self._marks = marks
        self._catalog = catalog

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        zone = ZoneInfo((await self._catalog.get()).city.timezone)
        await self._gate.pass_through(session)
        rows = [(event.subject, row_of(event.facts, event.seq, zone)) for event in events]
        known = self._marks.loaded({event.subject for event in events}, session)
        await take_in(self._store, rows, session, known=known)
