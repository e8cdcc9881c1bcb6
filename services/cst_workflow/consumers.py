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
        await self._duplicates.detection.detect_all(
            [event.subject for event in events if event.name == "created"], session
        )
        for event in events:
            if event.name in ("location_changed", "category_changed"):
                await self._duplicates.detection.moved(event.subject, session)
        await self._triage.take(events, session)


class FollowHandler:
    """Brings duplicates to where their masters are."""

    name = "workflow.duplicates"
    types = frozenset({"triaged", "assigned", "in_progress", "resolved", "closed"})

    def __init__(self, duplicates: DuplicateWork) -> None:
        self._duplicates = duplicates

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        # Duplicates go to where their masters are now, so a request's last event stands for all.
        last = {event.subject: event for event in events}.values()
        over = [event.subject for event in last if event.name in ("resolved", "closed")]
        await self._duplicates.repository.void(over, session, as_master=True)
        masters = [event.subject for event in last if event.facts.is_master]
        await self._duplicates.following.follow_all(masters, session)


class DisputeHandler:
    """Reopens what its citizen disputes, or asks the supervisors."""

    name = "workflow.disputes"
    types = frozenset({"disputed"})

    def __init__(self, disputes: DisputeService) -> None:
        self._disputes = disputes

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            await self._disputes.take(event, session)
