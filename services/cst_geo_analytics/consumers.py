"""Geo-analytics' subscription: every event that moves a request on the map."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_geo_analytics.domain.projection import MOVING, row_of
from cst_geo_analytics.gate import Gate
from cst_geo_analytics.repository import GeoRepository
from cst_geo_analytics.take_in import take_in
from cst_mongo.client import Session


class ProjectionHandler:
    """Moves rows and sums, unless a rebuild is just swapping them."""

    name = "geo.projections"
    types = MOVING

    def __init__(self, repository: GeoRepository, gate: Gate) -> None:
        self._repository = repository
        self._gate = gate

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await self._gate.pass_through(session)
        rows = [(event.subject, row_of(event.facts, event.seq)) for event in events]
        await take_in(self._repository, rows, session)
