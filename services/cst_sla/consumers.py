"""SLA's subscriptions: what moves clocks, KPIs and facts, and what moves notices."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_mongo.client import Session
from cst_sla.domain.facts import MOVING
from cst_sla.notices import NoticeService
from cst_sla.service import SlaService


class ClockHandler:
    """Follows requests with their clocks, KPIs and facts."""

    name = "sla.clocks"
    types = MOVING

    def __init__(self, service: SlaService) -> None:
        self._service = service

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await self._service.follow(sorted({event.subject for event in events}), session)


class NoticeHandler:
    """Has notices follow what happens to their requests."""

    name = "sla.notices"
    types = frozenset(
        {
            "triaged",
            "assigned",
            "resolved",
            "closed",
            "category_changed",
            "priority_changed",
            "location_changed",
            "duplicate_linked",
            "dispute_settled",
        }
    )

    def __init__(self, service: NoticeService) -> None:
        self._service = service

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await self._service.follow(sorted({event.subject for event in events}), session)
