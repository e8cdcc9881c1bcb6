"""Workflow's subscriptions: detection, triage by rule, duplicates after their master, disputes."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import RequestEvent
from cst_mongo.client import Session
from cst_workflow.disputes import DisputeService
from cst_workflow.duplicates.detection import CONSUMER
from cst_workflow.duplicates.service import DuplicateWork
from cst_workflow.triage import TriageService

#: Ledger writes per transaction: fewer than a projection's, since each holds a request's document.
CHUNK = 20
#: Masters per transaction: each brings all its duplicates along.
FOLLOW_CHUNK = 5


class TriageHandler:
    """Looks whether a report is a duplicate, then triages what is not."""

    name = CONSUMER
    types = frozenset(
        {"created", "location_changed", "category_changed", "duplicate_unlinked", "resumed"}
    )

    def __init__(self, triage: TriageService, duplicates: DuplicateWork) -> None:
        self._triage = triage
        self._duplicates = duplicates

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            if event.name == "created":
                await self._duplicates.detection.detect(event.subject, session)
            elif event.name in ("location_changed", "category_changed"):
                await self._duplicates.detection.moved(event.subject, session)
            await self._triage.take(event, session)


class FollowHandler:
    """Brings duplicates to where their masters are."""

    name = "workflow.duplicates"
    types = frozenset({"triaged", "assigned", "in_progress", "resolved", "closed"})

    def __init__(self, duplicates: DuplicateWork) -> None:
        self._duplicates = duplicates

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        # Duplicates go to where their master is now, so a request's last event stands for all.
        for event in {event.subject: event for event in events}.values():
            if event.name in ("resolved", "closed"):
                await self._duplicates.repository.void(event.subject, session, as_master=True)
            if event.facts.is_master:
                await self._duplicates.following.follow_all(event.subject, session)


class DisputeHandler:
    """Reopens what its citizen disputes, or asks the supervisors."""

    name = "workflow.disputes"
    types = frozenset({"disputed"})

    def __init__(self, disputes: DisputeService) -> None:
        self._disputes = disputes

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            await self._disputes.take(event, session)
