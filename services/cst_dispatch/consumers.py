"""Dispatch's subscription: triaged requests are assigned, escalated ones passed on."""

from __future__ import annotations

from collections.abc import Sequence

from cst_contracts.events import Escalated, RequestEvent
from cst_dispatch.domain.decisions import DISPATCH
from cst_dispatch.reassignment import Reassignment
from cst_dispatch.service import DispatchService
from cst_mongo.client import Session
from cst_rules.actions import ASSIGN_SUPERVISOR, REASSIGN

#: Assignments per transaction: each holds an agent's document, which other workers want too.
CHUNK = 10


class AssignHandler:
    """Assigns what was triaged, and what waits once that changes who can take it.

    What an escalation asks for, by staff or by a step of a policy, is passed on.
    """

    name = "dispatch.assign"
    types = frozenset(
        {
            "triaged",
            "duplicate_unlinked",
            "resumed",
            "category_changed",
            "priority_changed",
            "location_changed",
            "escalated",
        }
    )

    def __init__(self, service: DispatchService, reassignment: Reassignment) -> None:
        self._service = service
        self._reassignment = reassignment

    async def handle(self, events: Sequence[RequestEvent], session: Session) -> None:
        for event in events:
            if event.name == "escalated":
                await self._pass_on(event, session)
            else:
                await self._service.assign(event.subject, session)

    async def _pass_on(self, event: RequestEvent, session: Session) -> None:
        action = Escalated.model_validate(event.data).action
        if action == REASSIGN:
            await self._reassignment.pass_on(event.subject, DISPATCH, session)
        elif action == ASSIGN_SUPERVISOR:
            await self._reassignment.to_supervisor(event.subject, DISPATCH, session)
