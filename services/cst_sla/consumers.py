"""SLA's subscription: whatever starts, moves or stops a clock."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_mongo.client import Session
from cst_sla.service import SlaService


class ClockHandler:
    """Follows requests with their clocks."""

    name = "sla.clocks"
    types = frozenset(
        {
            "created",
            "imported",
            "triaged",
            "in_progress",
            "resolved",
            "closed",
            "held",
            "resumed",
            "category_changed",
            "priority_changed",
            "location_changed",
            "duplicate_linked",
            "duplicate_unlinked",
            "escalated",
        }
    )

    def __init__(self, service: SlaService) -> None:
        self._service = service

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        await self._service.follow(sorted({event.subject for event in events}), session)
