"""Dispatch's subscription: triaged requests are assigned."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_dispatch.service import DispatchService
from cst_mongo.client import Session

#: Assignments per transaction: each holds an agent's document, which other workers want too.
CHUNK = 10


class AssignHandler:
    """Assigns what was triaged, and what waits once that changes who can take it."""

    name = "dispatch.assign"
    types = frozenset(
        {
            "triaged",
            "duplicate_unlinked",
            "resumed",
            "category_changed",
            "priority_changed",
            "location_changed",
        }
    )

    def __init__(self, service: DispatchService) -> None:
        self._service = service

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            await self._service.assign(event.subject, session)
