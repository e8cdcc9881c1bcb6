"""Workflow's subscription: new requests are triaged by rule."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_mongo.client import Session
from cst_workflow.transitions import TransitionService

#: Ledger writes per transaction: fewer than a projection's, since each holds a request's document.
CHUNK = 20


class TriageHandler:
    """Triages what was created."""

    name = "workflow.triage"
    types = frozenset({"created"})

    def __init__(self, service: TransitionService) -> None:
        self._service = service

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            await self._service.auto_triage(event.subject, session)
